# Types of options, as nixpkgs' lib.types: each tells what fits it (check), and what several
# definitions come to (merge).
{ lib, evalModules, mergeDefinitions }:
let
  inherit (lib) all attrNames concatMap concatStringsSep elem filter foldl' head isAttrs isBool isFloat isFunction isInt isList isString
    isStringLike length map match toJSON unique;

  where = loc: concatStringsSep "." loc;
  files = defs: concatStringsSep " and " (unique (map (d: d.file) defs));

  # What must be said once: several definitions must be the same.
  same = loc: defs:
    if all (d: d.value == (head defs).value) defs then (head defs).value
    else throw "The option `${where loc}' has conflicting definition values, in ${files defs}.";

  # The definitions of one thing, after conditions and priorities: whether there are any, and
  # what they come to.
  merged = loc: t: defs:
    let m = mergeDefinitions loc t defs; in { inherit (m) defined; values = lib.optional m.defined m.value; };
  # Definitions of sets, by what they define.
  byName = defs: lib.zipAttrsWith (_: ds: ds)
    (map (d: builtins.mapAttrs (_: v: { inherit (d) file; value = v; }) d.value) defs);

  type = { name, description ? name, check, merge ? same, nested ? null, empty ? { } }: {
    _type = "option-type";
    inherit name description check merge nested empty;
  };
  plain = name: check: type { inherit name check; };
in
rec {
  inherit type;

  # Whether several definitions of x make sense is for whoever reads it.
  raw = type {
    name = "raw value";
    check = _: true;
    # Functions are never equal, not even to themselves.
    merge = loc: defs: if length defs == 1 then (head defs).value else same loc defs;
  };
  anything = type {
    name = "anything";
    check = _: true;
    merge = loc: defs:
      if all (d: isAttrs d.value && !(d.value ? outPath)) defs then (attrsOf anything).merge loc defs
      else if all (d: isList d.value) defs then concatMap (d: d.value) defs
      else same loc defs;
  };
  unspecified = anything;
  bool = plain "boolean" isBool;
  int = plain "signed integer" isInt;
  float = plain "floating point number" isFloat;
  number = plain "number" (x: isInt x || isFloat x);
  str = plain "string" isString;
  nonEmptyStr = plain "non-empty string" (x: isString x && match "[ \t\n]*" x == null);
  singleLineStr = plain "one line" (x: isString x && match "[^\n\r]*\n?" x != null);
  strMatching = pattern: plain "string matching ${pattern}" (x: isString x && match pattern x != null);
  lines = type { name = "lines"; check = isString; merge = _: defs: concatStringsSep "\n" (map (d: d.value) defs); };
  commas = type { name = "commas"; check = isString; merge = _: defs: concatStringsSep "," (map (d: d.value) defs); };
  path = plain "absolute path" (x: isStringLike x && builtins.substring 0 1 (toString x) == "/");
  package = plain "package" (x: isAttrs x && x ? outPath || isString x && lib.hasPrefix builtins.storeDir x);
  pathInStore = package;
  port = ints.between 0 65535 // { name = "16 bit port"; description = "16 bit port"; };
  enum = values: plain "one of ${concatStringsSep ", " (map toJSON values)}" (x: elem x values);
  ints = {
    between = low: high: plain "integer between ${toString low} and ${toString high}" (x: isInt x && x >= low && x <= high);
    unsigned = plain "unsigned integer" (x: isInt x && x >= 0);
    positive = plain "positive integer" (x: isInt x && x > 0);
    u8 = ints.between 0 255;
    u16 = ints.between 0 65535;
  };
  addCheck = t: more: t // { check = x: t.check x && more x; };

  nullOr = t: type {
    name = "null or ${t.name}";
    check = x: x == null || t.check x;
    merge = loc: defs:
      let given = filter (d: d.value != null) defs; in
      if given == [ ] then null
      else if length given != length defs then throw "The option `${where loc}' is defined both null and not null, in ${files defs}."
      else t.merge loc defs;
    nested = t;
    empty = { value = null; };
  };
  either = a: b: type {
    name = "${a.name} or ${b.name}";
    check = x: a.check x || b.check x;
    merge = loc: defs:
      if all (d: a.check d.value) defs then a.merge loc defs
      else if all (d: b.check d.value) defs then b.merge loc defs
      else same loc defs;
  };
  # A value of from is made one of to.
  coercedTo = from: f: to: type {
    name = "${to.name} or ${from.name} convertible to it";
    check = x: from.check x && to.check (f x) || to.check x;
    merge = loc: defs: to.merge loc (map (d: if from.check d.value then d // { value = f d.value; } else d) defs);
    inherit (to) nested empty;
  };
  oneOf = ts: foldl' either (head ts) (builtins.tail ts);

  listOf = t: type {
    name = "list of ${t.name}";
    check = isList;
    merge = loc: defs: concatMap (x: x.values) (filter (x: x.defined) (lib.concatLists (lib.imap1
      (n: d: lib.imap1
        (m: v: merged (loc ++ [ "[definition ${toString n}-entry ${toString m}]" ]) t [ { inherit (d) file; value = v; } ])
        d.value)
      defs)));
    nested = t;
    empty = { value = [ ]; };
  };
  nonEmptyListOf = t: addCheck (listOf t) (x: x != [ ]) // { name = "non-empty list of ${t.name}"; empty = { }; };
  attrsOf = t: type {
    name = "attribute set of ${t.name}";
    check = isAttrs;
    merge = loc: defs:
      let each = builtins.mapAttrs (n: merged (loc ++ [ n ]) t) (byName defs);
      in builtins.mapAttrs (_: x: head x.values) (lib.filterAttrs (_: x: x.defined) each);
    nested = t;
    empty = { value = { }; };
  };
  lazyAttrsOf = attrsOf;
  attrs = type { name = "attribute set"; check = isAttrs; merge = _: defs: foldl' (a: d: a // d.value) { } defs; empty = { value = { }; }; };

  # A submodule is an option set of its own, whose module may be a function, a set or a list
  # of them.
  submodule = modules: submoduleWith { modules = lib.toList modules; };
  submoduleWith = { modules, specialArgs ? { }, shorthandOnlyDefinesConfig ? true, description ? null }: type {
    name = "submodule";
    check = x: isAttrs x || isFunction x;
    merge = loc: defs: (evalModules {
      inherit specialArgs;
      prefix = loc;
      modules = modules ++ [ { _module.args.name = lib.last loc; } ]
        ++ map (d: if isFunction d.value then d.value else { _file = d.file; config = d.value; }) defs;
    }).config;
    empty = { value = { }; };
    nested = { inherit modules; };
  };
  # A module that is evaluated elsewhere: several definitions are modules of one.
  deferredModule = type {
    name = "module";
    check = x: isAttrs x || isFunction x || isStringLike x;
    merge = _: defs: { imports = map (d: d.value) defs; };
    empty = { value = { }; };
  };
}

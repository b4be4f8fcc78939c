# The module system, as far as modules of a host need it: options with types, definitions
# with conditions, priorities and orders, imports, submodules. Faults are told as nixpkgs
# tells them, since the checks look for them.
{ lib }:
let
  inherit (lib)
    all any attrNames concatMap concatStringsSep elem filter foldl' functionArgs head isAttrs isFunction length map mapAttrs
    optional optionals removeAttrs sort;

  where = concatStringsSep ".";
  isA = kind: x: isAttrs x && x._type or null == kind;

  usual = 100;
  optionDefault = 1500;

  # A definition's conditions, taken away: what is left of it, each with its priority and
  # order.
  discharge = d:
    let v = d.value; in
    if isA "merge" v then concatMap (x: discharge (d // { value = x; })) v.contents
    else if isA "if" v then optionals v.condition (discharge (d // { value = v.content; }))
    else if isA "override" v then map (x: x // { priority = v.priority; }) (discharge (d // { value = v.content; }))
    else if isA "order" v then map (x: x // { order = v.order; }) (discharge (d // { value = v.content; }))
    else [ ({ priority = usual; order = 1000; } // d) ];

  # Those of the highest priority, in their order.
  strongest = defs:
    let best = foldl' (p: d: if d.priority < p then d.priority else p) 1000000 defs; in
    sort (a: b: a.order < b.order) (filter (d: d.priority == best) defs);

  mergeDefinitions = loc: type: defs:
    let
      left = strongest (concatMap discharge defs);
      bad = filter (d: !type.check d.value) left;
    in
    {
      defined = left != [ ];
      value =
        if bad != [ ] then
          throw "A definition for option `${where loc}' is not of type `${type.name}'. Definition values:${shown bad}"
        else type.merge loc left;
    };

  shown = defs: concatStringsSep "" (map (d: "\n- In `${d.file}': ${short d.value}") defs);
  short = v:
    if builtins.isString v || builtins.isInt v || builtins.isBool v || v == null then builtins.toJSON v
    else "<${builtins.typeOf v}>";

  # A module in one form: imports, options, and config, each with where it stands.
  normal = args: where: module:
    let
      isPath = builtins.isPath module || builtins.isString module;
      file = if isPath then toString module else where;
      loaded = if isPath then import module else module;
      called = if isFunction loaded then loaded (mapAttrs (n: _: args.${n} or (later args n)) (functionArgs loaded) // args) else loaded;
      m = if isAttrs called then called else throw "The module `${file}' is no attribute set, path or function.";
      at = m._file or file;
      long = m ? config || m ? options;
      strange = removeAttrs m [ "_file" "key" "imports" "options" "config" "disabledModules" "freeformType" "meta" "_class" ];
    in
    if long && strange != { } then
      throw "Module `${at}' has an unsupported attribute `${head (attrNames strange)}': it has config or options too, and belongs into config."
    else {
      file = at;
      key = m.key or (if isPath then file else null);
      imports = m.imports or [ ];
      options = m.options or { };
      config = if long then m.config or { } else removeAttrs m [ "_file" "key" "imports" "disabledModules" "freeformType" "meta" "_class" ];
      freeform = m.freeformType or null;
    };
  # Arguments that modules give each other, as nixpkgs' pkgs.
  later = args: n: args.config._module.args.${n} or (throw "A module wants the argument `${n}', which nobody gives.");

  collect = args: where: modules: concatMap
    (m: let n = normal args where m; in collect args n.file n.imports ++ [ n ])
    modules;
  # A file that is imported in several places counts once.
  once = foldl'
    (seen: m: if m.key != null && seen.keys ? ${m.key} then seen else {
      all = seen.all ++ [ m ];
      keys = seen.keys // (if m.key == null then { } else { ${m.key} = true; });
    })
    { all = [ ]; keys = { }; };

  # Definitions of a set, without the conditions around it: mkIf and its like are pushed down
  # to what is in the set.
  push = d:
    let v = d.value; in
    if isA "merge" v then concatMap (x: push (d // { value = x; })) v.contents
    else if isA "if" v then map (x: x // { value = mapAttrs (_: content: { _type = "if"; inherit (v) condition; inherit content; }) x.value; }) (push (d // { value = v.content; }))
    else if isA "override" v then map (x: x // { value = mapAttrs (_: content: { _type = "override"; inherit (v) priority; inherit content; }) x.value; }) (push (d // { value = v.content; }))
    else [ d ];

  isOption = isA "option";

  evalOption = loc: option: defs:
    let
      all' = optional (option ? default) { file = "the default"; value = { _type = "override"; priority = optionDefault; content = option.default; }; } ++ defs;
      m = mergeDefinitions loc option.type all';
      given = optionals (option ? readOnly && option.readOnly) (concatMap discharge all');
      merged =
        if m.defined then m.value
        else option.type.empty.value or (throw "The option `${where loc}' is used but not defined.");
    in
    if length given > 1 then throw "The option `${where loc}' is read-only, but it is set several times."
    else (option.apply or (x: x)) merged;

  # Options and definitions together, name by name.
  tree = freeform: loc: decls: defs:
    let
      pushed = concatMap push defs;
      names = lib.unique (concatMap (d: attrNames d.value) decls);
      of = n: filter (d: d.value ? ${n}) decls;
      defsOf = n: map (d: d // { value = d.value.${n}; }) (filter (d: d.value ? ${n}) pushed);
      one = n:
        let
          here = of n;
          path = loc ++ [ n ];
          options = filter (d: isOption d.value.${n}) here;
        in
        if options == [ ] then tree null path (map (d: d // { value = d.value.${n}; }) here) (defsOf n)
        else if length options < length here then throw "The option `${where path}' is an option in one module, and a set of options in another."
        else if length options > 1 then
          throw "The option `${where path}' is declared in several modules: ${concatStringsSep ", " (map (d: d.file) options)}."
        else { config = evalOption path (head options).value.${n} (defsOf n); options = (head options).value.${n} // { loc = path; definitions = defsOf n; declared = (head options).file; }; unknown = [ ]; };
      known = lib.genAttrs names one;
      strange = lib.unique (concatMap (d: filter (n: !(elem n names)) (attrNames d.value)) pushed);
      unknown = concatMap (n: map (d: { loc = loc ++ [ n ]; inherit (d) file; }) (defsOf n)) strange;
      free = lib.genAttrs strange (n: defsOf n);
    in
    {
      config = mapAttrs (_: x: x.config) known
        // lib.optionalAttrs (freeform != null)
          (freeform.merge loc (map (d: d // { value = lib.filterAttrs (n: _: elem n strange) d.value; }) pushed));
      options = mapAttrs (_: x: x.options) known;
      unknown = optionals (freeform == null) unknown ++ concatMap (n: known.${n}.unknown) names;
    };

  evalModules = { modules, specialArgs ? { }, prefix ? [ ] }:
    let
      args = { inherit lib; config = checked; options = built.options; } // specialArgs;
      own = {
        file = "the module system";
        imports = [ ];
        freeform = null;
        options._module.args = lib.mkOption { type = lib.types.attrsOf lib.types.raw; default = { }; };
        config = { };
      };
      collected = [ own ] ++ (once (collect args "(a module)" modules)).all;
      freeform = foldl' (f: m: if m.freeform != null then m.freeform else f) null collected;
      built = tree freeform prefix
        (map (m: { inherit (m) file; value = m.options; }) collected)
        (map (m: { inherit (m) file; value = m.config; }) collected);
      # An option that nobody declares is a fault, also where nothing else is asked for.
      strange = filter (u: u.loc != [ ]) built.unknown;
      checked =
        if strange == [ ] then built.config
        else throw "The option `${where (head strange).loc}' does not exist. It is defined in `${(head strange).file}'.";
      result = {
        options = removeAttrs built.options [ "_module" ];
        config = removeAttrs checked [ "_module" ];
        type = lib.types.submoduleWith { inherit modules specialArgs; };
      };
    in
    result;
in
{
  inherit evalModules mergeDefinitions;

  mkOption = o: { _type = "option"; type = lib.types.anything; } // o;
  mkEnableOption = what: lib.mkOption { type = lib.types.bool; default = false; example = true; description = "Whether to enable ${what}."; };
  mkPackageOption = pkgs: name: { default ? name, ... }: lib.mkOption {
    type = lib.types.package;
    default = lib.getAttrFromPath (lib.toList default) pkgs;
    description = "The ${name} package to use.";
  };
  literalExpression = text: { _type = "literalExpression"; inherit text; };

  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkMerge = contents: { _type = "merge"; inherit contents; };
  mkOverride = priority: content: { _type = "override"; inherit priority content; };
  mkDefault = lib.mkOverride 1000;
  mkForce = lib.mkOverride 50;
  mkOptionDefault = lib.mkOverride optionDefault;
  mkOrder = order: content: { _type = "order"; inherit order content; };
  mkBefore = lib.mkOrder 500;
  mkAfter = lib.mkOrder 1500;
}

# Every option under watchstander and services.watchstander, with what people must know of
# it, as a list. Options of submodules stand with <name> or * in the place of what is chosen.
{ lib, options }:
let
  root = toString ../..;
  relative = p: lib.removePrefix "${root}/" (toString p);

  # A value as it would be written.
  pretty = indent: v:
    let
      deeper = indent + "  ";
      name = n: if builtins.match "[a-zA-Z_][a-zA-Z0-9_'-]*" n != null then n else builtins.toJSON n;
      long = lines: lib.length lines > 1 && lib.stringLength (lib.concatStringsSep " " lines) > 60;
      joined = open: close: lines:
        if lines == [ ] then "${open} ${close}"
        else if long lines then "${open}\n${lib.concatMapStrings (l: "${deeper}${l}\n") lines}${indent}${close}"
        else "${open} ${lib.concatStringsSep " " lines} ${close}";
    in
    if v == null then "null"
    else if v._type or null == "literalExpression" || v._type or null == "literalMD" then lib.removeSuffix "\n" v.text
    else if builtins.isPath v then relative v
    else if builtins.isFunction v then "<function>"
    else if lib.isAttrs v && v ? outPath then "pkgs.${v.pname or v.name}"
    else if lib.isAttrs v then joined "{" "}" (lib.mapAttrsToList (n: x: "${name n} = ${pretty deeper x};") v)
    else if lib.isList v then joined "[" "]" (map (pretty deeper) v)
    else if lib.isString v then builtins.toJSON (lib.replaceStrings [ "${root}/" ] [ "" ] v)
    else builtins.toJSON v;

  # The modules of the submodule that a type holds, and by what its options are reached.
  inner = type:
    let
      nested = type.nested or null;
      step = if lib.hasPrefix "list of" type.name then [ "*" ] else if lib.hasPrefix "attribute set of" type.name then [ "<name>" ] else [ ];
      rest = inner nested;
    in
    if nested == null then null
    else if nested ? modules then { path = [ ]; inherit (nested) modules; }
    else if rest == null then null
    else rest // { path = step ++ rest.path; };

  one = o: {
    name = lib.concatStringsSep "." o.loc;
    type = o.type.description;
    description = lib.removeSuffix "\n" (let d = o.description or ""; in if lib.isAttrs d then d.text else d);
    # Computed where nobody has set what it is computed from, it may not be had.
    default =
      if o ? defaultText then pretty "" (if lib.isString o.defaultText then { _type = "literalExpression"; text = o.defaultText; } else o.defaultText)
      else if !(o ? default) then null
      else let t = builtins.tryEval (let p = pretty "" o.default; in builtins.deepSeq p p); in if t.success then t.value else "(computed)";
    example = if o ? example then pretty "" o.example else null;
    module = baseNameOf o.declared;
  };

  walk = module: set: lib.concatLists (lib.mapAttrsToList
    (_: o:
      if o._type or null != "option" then walk module o
      else if o.internal or false || o.visible or true == false then [ ]
      else
        let
          own = one o // lib.optionalAttrs (module != null) { inherit module; };
          sub = inner o.type;
          below = lib.evalModules { prefix = o.loc ++ sub.path; modules = sub.modules ++ [{ _module.args.name = "<name>"; }]; };
        in
        [ own ] ++ lib.optionals (sub != null) (walk own.module below.options))
    set);
in
walk null (options.watchstander or { }) ++ walk null (options.services.watchstander or { })

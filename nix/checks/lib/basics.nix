# What the modules use of nixpkgs' lib beside options: lists, attribute sets, strings. The
# names and meanings are nixpkgs'; what is not needed is not here, so that a module which
# begins to use something new fails its check until it stands here with its test.
let
  inherit (builtins)
    attrNames attrValues concatMap concatStringsSep elem elemAt filter foldl' genList hasAttr head isAttrs isBool isInt
    isFloat isList isString length listToAttrs map mapAttrs match removeAttrs replaceStrings sort stringLength substring tail
    toJSON toString;
in
rec {
  inherit (builtins)
    attrNames attrValues any all concatMap concatStringsSep concatLists elem elemAt filter foldl' functionArgs genList hasAttr
    head isAttrs isBool isFloat isFunction isInt isList isPath isString length listToAttrs map mapAttrs match partition readFile
    replaceStrings removeAttrs seq deepSeq toString sort split stringLength substring tail toJSON trace fromJSON;

  # Functions.
  id = x: x;
  const = x: _: x;
  flip = f: a: b: f b a;
  pipe = foldl' (x: f: f x);
  throwIf = bad: message: if bad then throw message else id;
  assertMsg = ok: message: if ok then true else throw message;

  # Numbers.
  max = a: b: if a > b then a else b;
  min = a: b: if a < b then a else b;
  toIntBase10 = s:
    let digits = match "0*([0-9]+)" s; in
    if digits == null then throw "${s} is no number" else fromJSON (head digits);

  # Lists.
  optional = yes: x: if yes then [ x ] else [ ];
  optionals = yes: xs: if yes then xs else [ ];
  singleton = x: [ x ];
  toList = x: if isList x then x else [ x ];
  flatten = x: if isList x then concatMap flatten x else [ x ];
  range = first: last: if first > last then [ ] else genList (n: first + n) (last - first + 1);
  imap0 = f: xs: genList (n: f n (elemAt xs n)) (length xs);
  imap1 = f: imap0 (n: f (n + 1));
  last = xs: elemAt xs (length xs - 1);
  init = xs: genList (elemAt xs) (length xs - 1);
  unique = foldl' (seen: x: if elem x seen then seen else seen ++ [ x ]) [ ];
  subtractLists = out: filter (x: !elem x out);
  intersectLists = a: filter (x: elem x a);
  findFirst = fits: default: xs: let found = filter fits xs; in if found == [ ] then default else head found;
  count = fits: xs: length (filter fits xs);
  forEach = xs: f: map f xs;
  naturalSort = sort (a: b: a < b);

  # Attribute sets.
  nameValuePair = name: value: { inherit name value; };
  mapAttrs' = f: set: listToAttrs (map (n: f n set.${n}) (attrNames set));
  mapAttrsToList = f: set: map (n: f n set.${n}) (attrNames set);
  concatMapAttrs = f: set: foldl' (a: b: a // b) { } (mapAttrsToList f set);
  filterAttrs = fits: set: listToAttrs (concatMap (n: optional (fits n set.${n}) (nameValuePair n set.${n})) (attrNames set));
  genAttrs = names: f: listToAttrs (map (n: nameValuePair n (f n)) names);
  optionalAttrs = yes: set: if yes then set else { };
  attrByPath = path: default: set:
    if path == [ ] then set
    else if isAttrs set && hasAttr (head path) set then attrByPath (tail path) default set.${head path}
    else default;
  hasAttrByPath = path: set:
    path == [ ] || isAttrs set && hasAttr (head path) set && hasAttrByPath (tail path) set.${head path};
  setAttrByPath = path: value: if path == [ ] then value else { ${head path} = setAttrByPath (tail path) value; };
  getAttrFromPath = path: set: attrByPath path (throw "there is no ${concatStringsSep "." path}") set;
  recursiveUpdate = a: b: a // mapAttrs
    (n: v: if isAttrs v && isAttrs (a.${n} or null) then recursiveUpdate a.${n} v else v)
    b;
  zipAttrsWith = f: sets: genAttrs (unique (concatMap attrNames sets)) (n: f n (concatMap (s: optional (hasAttr n s) s.${n}) sets));

  # Strings.
  optionalString = yes: s: if yes then s else "";
  concatStrings = concatStringsSep "";
  concatMapStrings = f: xs: concatStrings (map f xs);
  concatMapStringsSep = sep: f: xs: concatStringsSep sep (map f xs);
  concatLines = concatMapStrings (l: l + "\n");
  hasPrefix = p: s: substring 0 (stringLength p) s == p;
  hasSuffix = p: s: stringLength s >= stringLength p && substring (stringLength s - stringLength p) (stringLength p) s == p;
  hasInfix = p: s: length (builtins.split (escapeRegex p) s) > 1;
  removePrefix = p: s: if hasPrefix p s then substring (stringLength p) (stringLength s) s else s;
  removeSuffix = p: s: if hasSuffix p s then substring 0 (stringLength s - stringLength p) s else s;
  splitString = sep: s: filter isString (builtins.split (escapeRegex sep) s);
  stringToCharacters = s: genList (n: substring n 1 s) (stringLength s);
  escape = chars: replaceStrings chars (map (c: "\\${c}") chars);
  escapeRegex = escape (stringToCharacters "\\[{()^$?*+|.");
  escapeShellArg = x:
    let s = toString x; in
    if match "[[:alnum:],._+:@%/-]+" s == null then "'${replaceStrings [ "'" ] [ "'\\''" ] s}'" else s;
  escapeShellArgs = concatMapStringsSep " " escapeShellArg;
  toLower = replaceStrings (stringToCharacters "ABCDEFGHIJKLMNOPQRSTUVWXYZ") (stringToCharacters "abcdefghijklmnopqrstuvwxyz");
  boolToString = b: if b then "true" else "false";
  isStringLike = x: isString x || builtins.isPath x || isAttrs x && x ? outPath;
  getExe = x: getExe' x (x.meta.mainProgram or x.pname or x.name);
  getExe' = x: name: "${x}/bin/${name}";
  makeBinPath = concatMapStringsSep ":" (p: "${p}/bin");
  versionOlder = a: b: builtins.compareVersions b a == 1;
  versionAtLeast = a: b: !versionOlder a b;

  # How values are written in files.
  generators = {
    toKeyValue = { }: set: concatStrings (mapAttrsToList (n: v: "${n}=${plain v}\n") set);
    toINI = { }: set: concatStringsSep "\n" (mapAttrsToList (n: s: "[${n}]\n" + generators.toKeyValue { } s) set);
    toJSON = { }: toJSON;
  };
  plain = v:
    if isBool v then boolToString v
    else if isInt v || isFloat v || isStringLike v then toString v
    else throw "no plain value: ${toJSON v}";
}

# What the small lib is held to. Each case is true, or fails with a part of its words.
let
  lib = import ./.;
  inherit (lib) mkOption types mkIf mkMerge mkForce mkDefault mkBefore mkAfter;

  eval = modules: (lib.evalModules { inherit modules; specialArgs.pkgs = { name = "p"; }; }).config;
  option = type: { options.x = mkOption { inherit type; }; };
  x = type: values: (eval ([ (option type) ] ++ map (v: { config.x = v; }) values)).x;

  good = {
    "a default" = (eval [ { options.x = mkOption { type = types.int; default = 3; }; } ]).x == 3;
    "a default gives way" = (eval [ { options.x = mkOption { type = types.int; default = 3; }; } { x = 4; } ]).x == 4;
    "mkDefault gives way" = x types.int [ (mkDefault 1) 2 ] == 2;
    "mkForce wins" = x types.int [ 1 (mkForce 2) ] == 2;
    "the same twice" = x types.int [ 1 1 ] == 1;
    "lists are joined" = x (types.listOf types.int) [ [ 1 ] [ 2 ] ] == [ 1 2 ];
    "in their order" = x (types.listOf types.int) [ (mkAfter [ 3 ]) [ 2 ] (mkBefore [ 1 ]) ] == [ 1 2 3 ];
    "lines are joined" = x types.lines [ "a" "b" ] == "a\nb";
    "mkIf" = x (types.listOf types.int) [ (mkIf false [ 1 ]) (mkIf true [ 2 ]) ] == [ 2 ];
    "mkIf in a list" = x (types.listOf types.int) [ [ (mkIf false 1) 2 ] ] == [ 2 ];
    "mkMerge" = x (types.listOf types.int) [ (mkMerge [ [ 1 ] (mkIf true [ 2 ]) ]) ] == [ 1 2 ];
    "sets are joined" = x (types.attrsOf types.int) [ { a = 1; } { b = mkIf false 2; } { c = 3; } ] == { a = 1; c = 3; };
    "a set's priorities" = x (types.attrsOf types.int) [ { a = mkDefault 1; } { a = 2; } ] == { a = 2; };
    "null or" = x (types.nullOr types.int) [ null ] == null && x (types.nullOr types.int) [ 4 ] == 4;
    "either" = x (types.either types.int types.str) [ "a" ] == "a";
    "submodules" = x (types.attrsOf (types.submodule ({ name, ... }: { options = { n = mkOption { type = types.str; default = name; }; m = mkOption { type = types.int; }; }; }))) [ { a.m = 1; } ]
      == { a = { n = "a"; m = 1; }; };
    "submodules are joined" = x (types.submodule { options.l = mkOption { type = types.listOf types.int; }; options.k = mkOption { type = types.int; default = 7; }; }) [ { l = [ 1 ]; } { l = [ 2 ]; } ] == { l = [ 1 2 ]; k = 7; };
    "freeform" = x (types.submodule { freeformType = types.attrsOf types.int; options.k = mkOption { type = types.str; default = "k"; }; }) [ { a = 1; } ] == { a = 1; k = "k"; };
    "config sees itself" = (eval [ (option types.int) ({ config, ... }: { options.y = mkOption { type = types.int; default = config.x + 1; }; }) { x = 1; } ]).y == 2;
    "a condition on itself" = (eval [ (option types.bool) ({ config, ... }: { options.y = mkOption { type = types.int; default = 0; }; config = mkIf config.x { y = 5; }; }) { x = true; } ]).y == 5;
    "arguments" = (eval [ ({ pkgs, ... }: { options.x = mkOption { default = pkgs.name; }; }) ]).x == "p";
    "a type that another is made into" =
      let t = types.coercedTo types.str lib.singleton (types.listOf types.str); in
      (eval [ { options.x = mkOption { type = t; }; config.x = "a"; } ]).x == [ "a" ] && (eval [ { options.x = mkOption { type = t; }; config.x = [ "b" ]; } ]).x == [ "b" ];
    "numbers" = lib.max 3 14 == 14 && lib.min 3 14 == 3 && lib.toIntBase10 "00014" == 14 && lib.toIntBase10 "0" == 0;
    "a file imported twice counts once" = (lib.evalModules { modules = [ ./once.nix { imports = [ ./once.nix ]; } ]; }).config.once == [ "here" ];
    "imports" = (eval [ { imports = [ (option types.int) ]; config.x = 1; } ]).x == 1;
    "apply" = (eval [ { options.x = mkOption { type = types.int; apply = v: v * 2; }; } { x = 2; } ]).x == 4;
    "a free form alone" = (x (types.submodule { freeformType = types.attrsOf types.int; }) [ { a = 1; } ]).a == 1;
    "a condition around sets" = (eval [ { options.a.b = mkOption { type = types.int; default = 1; }; } { config = mkIf true { a.b = 2; }; } ]).a.b == 2;
    "a function as a value" = (x types.raw [ (y: y + 1) ]) 1 == 2;
    "a module for elsewhere" = (eval [ (x types.deferredModule [ { options.n = mkOption { type = types.int; }; } ({ lib, ... }: { n = lib.max 3 2; }) ]) ]).n == 3;
    "shell words" = lib.escapeShellArgs [ "a" "b c" "d'e" ] == "a 'b c' 'd'\\''e'";
    "splitting" = lib.splitString "." "a.b.c" == [ "a" "b" "c" ] && lib.hasInfix "." "a.b" && !(lib.hasInfix "." "ab");
  };

  # What must fail, with the value that is asked for.
  bad = {
    "another type" = x types.int [ "a" ];
    "two values" = x types.int [ 1 2 ];
    "nothing" = x types.int [ ];
    "an option that does not exist" = (eval [ { y = 1; } ]).y or 0;
    "one beside" = (eval [ (option types.int) { x = 1; y = 1; } ]).x;
    "one of a submodule" = builtins.deepSeq (x (types.submodule { }) [ { a = 1; } ]) true;
    "not in the list" = x (types.enum [ "a" "b" ]) [ "c" ];
    "a port" = x types.port [ 70000 ];
    "declared twice" = (eval [ (option types.int) (option types.int) { x = 1; } ]).x;
    "config beside options" = (eval [ { options.x = mkOption { }; x = 1; } ]).x;
    "a value for what is worked out" = (eval [ { options.x = mkOption { type = types.int; default = 1; readOnly = true; }; } { x = 2; } ]).x;
    "an argument of nobody" = (eval [ ({ nobody, ... }: { options.x = mkOption { default = nobody; }; }) ]).x;
  };

  fails = v: !(builtins.tryEval (builtins.deepSeq v v)).success;
in
{
  wrong = lib.attrNames (lib.filterAttrs (_: ok: !ok) good) ++ lib.attrNames (lib.filterAttrs (_: v: !(fails v)) bad);
  cases = lib.length (lib.attrNames good) + lib.length (lib.attrNames bad);
}

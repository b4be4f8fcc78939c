# A small lib with a module system, for machines without nixpkgs: what the modules of this
# repository use of nixpkgs' lib, in its names. Where nixpkgs is at hand, the checks use its
# own (nix/checks/default.nix).
let
  basics = import ./basics.nix;
  lib = basics // modules // {
    inherit types;
    mkMergeAll = lib.mkMerge;
  };
  modules = import ./modules.nix { inherit lib; };
  types = import ./types.nix { inherit lib; inherit (modules) evalModules mergeDefinitions; };
in
removeAttrs lib [ "mkMergeAll" ]

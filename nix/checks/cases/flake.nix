# flake.nix and nix/default.nix, with a nixpkgs of ours in nixpkgs' place: that what people
# name is there, and is what it should be.
{ lib, pkgs, evaluate, real, ... }:
let
  flake = (import ../../../flake.nix).outputs {
    self = flake // { outPath = ../../..; };
    nixpkgs = {
      lib = lib // { nixosSystem = { modules, ... }: { config = evaluate (lib.filter builtins.isPath modules); }; };
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (_: pkgs // { extend = overlay: pkgs // overlay (pkgs // { callPackage = _: _: pkgs.watchstander; }) pkgs; });
    };
  };
  alone = import ../..;
in
{
  holds = {
    "the package" = flake.packages.x86_64-linux.default == pkgs.watchstander && flake.packages.aarch64-linux ? watchstander;
    "the modules, each and all" = builtins.pathExists flake.nixosModules.watchstander && flake.nixosModules ? default && flake.nixosModules ? alerts;
    "the example host" = flake.nixosConfigurations.vulcan.config.networking.hostName == "vulcan";
    "a shell and a formatter" = flake ? devShells && flake ? formatter;
    "checks, the VM among them" = lib.hasInfix "vm = " (builtins.readFile ../flake.nix) && flake ? checks;
    "without flakes, the same" = builtins.pathExists alone.modules.watchstander && builtins.pathExists alone.modules.all
      && (alone.overlay { callPackage = _: _: "built"; } { }).watchstander == "built";
  };
}

# flake.nix and nix/default.nix, with a nixpkgs of ours in nixpkgs' place: that what people
# name is there, and is what it should be.
{ lib, pkgs, evaluate, real, ... }:
let
  flake = (import ../../../flake.nix).outputs {
    self = flake // { outPath = ../../..; };
    nixpkgs = {
      lib = lib // { nixosSystem = { modules, ... }: { config = evaluate (lib.filter builtins.isPath modules); }; };
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (_: pkgs // { extend = overlay: pkgs // overlay (pkgs // { inherit lib; go.version = "1.26.0"; callPackage = _: _: pkgs.watchstander; }) pkgs; });
    };
  };
  alone = import ../..;

  # What the package is called with by a nixpkgs whose Go is of this version. Functions are
  # names here.
  overlaid = go: more: (alone.overlay ({ inherit lib; go.version = go; callPackage = _: given: given; buildGoModule = "by its own"; } // more) { }).watchstander;
in
{
  holds = {
    "the package" = flake.packages.x86_64-linux.default == pkgs.watchstander && flake.packages.aarch64-linux ? watchstander;
    "the modules, each and all" = builtins.pathExists flake.nixosModules.watchstander && flake.nixosModules ? default && flake.nixosModules ? alerts;
    "the example host" = flake.nixosConfigurations.vulcan.config.networking.hostName == "vulcan";
    "a shell and a formatter" = flake ? devShells && flake ? formatter;
    "checks, the VM among them" = lib.hasInfix "vm = " (builtins.readFile ../flake.nix) && flake ? checks;
    "without flakes, the same" = builtins.pathExists alone.modules.watchstander && builtins.pathExists alone.modules.all
      && overlaid "1.26.4" { } == { };
    "with an older Go, by the one that go.mod asks for" = overlaid "1.25.9" { buildGo126Module = "by 1.26"; } == { buildGoModule = "by 1.26"; };
    "a newer Go is left as it is" = overlaid "1.27.1" { buildGo126Module = throw "this Go is gone"; } == { };
    "the package of the default module is the flake's own" =
      let house = evaluate [ (args: removeAttrs (flake.nixosModules.default { inherit lib; pkgs = pkgs // { stdenv.hostPlatform.system = "x86_64-linux"; }; }) [ "imports" ]) ];
      in house.services.watchstander.package == flake.packages.x86_64-linux.default;
  };

  refused = {
    "no Go that is new enough" = overlaid "1.24.6" { };
  };
}

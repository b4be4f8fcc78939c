# pkgs.watchstander, built by the Go that go.mod asks for. What nixpkgs itself builds with is
# older up to NixOS 25.11, and in a build Go fetches no other one.
final: _:
let
  inherit (final) lib;
  asked = lib.removePrefix "go " (lib.findFirst (lib.hasPrefix "go ") "go 1.26" (lib.splitString "\n" (builtins.readFile ../go.mod)));
  builder = "buildGo${lib.concatStrings (builtins.match "([0-9]+)\\.([0-9]+).*" asked)}Module";
in
{
  watchstander = final.callPackage ./package.nix (lib.optionalAttrs (lib.versionOlder final.go.version asked) {
    buildGoModule = final.${builder} or (throw
      "Watchstander is built with Go ${asked} or newer, and this nixpkgs has ${final.go.version}: let services.watchstander.package be the package of Watchstander's own flake, which brings its nixpkgs.");
  });
}

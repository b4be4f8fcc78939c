# pkgs.watchstander.
final: _: { watchstander = final.callPackage ./package.nix { }; }

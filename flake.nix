{
  description = "Watchstander: a ChatOps bot for NixOS hosts, and the modules of a host that it watches";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      systems = [ "x86_64-linux" "aarch64-linux" ];
      each = f: lib.genAttrs systems (system: f (nixpkgs.legacyPackages.${system}.extend self.overlays.default));
      parts = import ./nix;
    in
    {
      packages = each (pkgs: { default = pkgs.watchstander; inherit (pkgs) watchstander; });

      overlays.default = parts.overlay;

      # Each module by its name; `default` is all of them and the package, which is built from this flake's
      # nixpkgs: that of the host may have no Go that is new enough. Nothing is switched on by importing.
      nixosModules = parts.modules // {
        default = { pkgs, lib, ... }: {
          imports = [ ./nix/modules ];
          services.watchstander.package = lib.mkDefault self.packages.${pkgs.stdenv.hostPlatform.system}.default;
        };
      } // lib.mapAttrs' (name: lib.nameValuePair "profile-${name}") parts.profiles;

      # The example host: `nix build .#nixosConfigurations.vulcan.config.system.build.vm`.
      nixosConfigurations.vulcan = lib.nixosSystem {
        system = "x86_64-linux";
        modules = [ self.nixosModules.default ./nix/hosts/vulcan ];
      };

      checks = each (pkgs: import ./nix/checks/flake.nix { inherit self pkgs; });

      devShells = each (pkgs: {
        default = pkgs.mkShell {
          packages = [
            pkgs.go pkgs.golangci-lint pkgs.gnumake
            # What the tests run against: tools/get-real finds them in PATH.
            pkgs.prometheus pkgs.prometheus-alertmanager pkgs.restic pkgs.dendrite pkgs.shellcheck
          ];
        };
      });

      formatter = each (pkgs: pkgs.nixfmt-tree);
    };
}

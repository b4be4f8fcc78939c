# Options of others' areas that the modules on services, containers and deployment define.
{ lib, pkgs, ... }:
let inherit (lib) mkOption types; in
{
  options = {
    systemd.tmpfiles.rules = mkOption { type = types.listOf types.str; default = [ ]; };
    services.nix-serve = {
      enable = mkOption { type = types.bool; default = false; };
      bindAddress = mkOption { type = types.str; default = "0.0.0.0"; };
      port = mkOption { type = types.port; default = 5000; };
      openFirewall = mkOption { type = types.bool; default = false; };
      secretKeyFile = mkOption { type = types.nullOr types.str; default = null; };
    };
    systemd.package = mkOption { type = types.package; default = pkgs.systemd; };
  };
}

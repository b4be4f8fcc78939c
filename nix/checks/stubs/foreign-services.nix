# Options of others' areas that the modules on services, containers and deployment define.
{ lib, pkgs, ... }:
let inherit (lib) mkOption types; in
{
  options = {
    systemd.tmpfiles.rules = mkOption { type = types.listOf types.str; default = [ ]; };
    services.nginx.proxyCachePath = mkOption {
      default = { };
      type = types.attrsOf (types.submodule {
        options = {
          enable = mkOption { type = types.bool; default = false; };
          keysZoneName = mkOption { type = types.str; default = "cache"; };
          keysZoneSize = mkOption { type = types.str; default = "10m"; };
          levels = mkOption { type = types.str; default = "1:2"; };
          useTempPath = mkOption { type = types.bool; default = false; };
          inactive = mkOption { type = types.str; default = "10m"; };
          maxSize = mkOption { type = types.str; default = "1g"; };
        };
      });
    };
    services.nginx.virtualHosts = mkOption {
      default = { };
      type = types.attrsOf (types.submodule {
        options.locations = mkOption {
          default = { };
          type = types.attrsOf (types.submodule { options.extraConfig = mkOption { type = types.lines; default = ""; }; options.proxyPass = mkOption { type = types.nullOr types.str; default = null; }; });
        };
      });
    };
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

# Options of others' areas that the modules on services, containers and deployment define.
{ lib, pkgs, ... }:
let inherit (lib) mkOption types; in
{
  options = {
    systemd.tmpfiles.rules = mkOption { type = types.listOf types.str; default = [ ]; };
    systemd.package = mkOption { type = types.package; default = pkgs.systemd; };
  };
}

# Options of others' areas that watchstander.constraints and watchstander.apparmor look at.
{ lib, ... }:
let
  inherit (lib) mkOption types;
  bool = default: mkOption { type = types.bool; inherit default; };
  lines = mkOption { type = types.lines; default = ""; };
in
{
  options = {
    nix.gc = { automatic = bool false; options = mkOption { type = types.singleLineStr; default = ""; }; };
    programs.nh.clean.enable = bool false;
    system.autoUpgrade.allowReboot = bool false;
    boot.zfs.enabled = bool false;
    networking.wireguard.interfaces = mkOption { type = types.attrsOf types.raw; default = { }; };
    networking.wg-quick.interfaces = mkOption { type = types.attrsOf types.raw; default = { }; };
    services.nginx.commonHttpConfig = lines;
    services.nginx.appendHttpConfig = lines;
    virtualisation.docker.rootless.enable = bool false;
  };
}

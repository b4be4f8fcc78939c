# Options of others' areas that the modules on storage define.
{ lib, ... }:
let inherit (lib) mkOption types; in
{
  options = {
    boot.extraModprobeConfig = mkOption { type = types.lines; default = ""; };
    networking.hostId = mkOption { type = types.nullOr types.str; default = null; };
  };
}

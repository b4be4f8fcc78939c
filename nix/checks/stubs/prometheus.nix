# services.prometheus, as far as the modules define it.
{ lib, ... }:
let inherit (lib) mkOption types; in
{
  options.services.prometheus = {
    ruleFiles = mkOption { type = types.listOf types.path; default = [ ]; };
  };
}

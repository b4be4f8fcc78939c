# What vulcan may repair by itself: containers that systemd has given up on are started once
# more. One that runs and does not answer is no case for these, since nothing is done while the
# agent sees the unit run: that is for a health check (units.nix), as of the proxy.
{ config, lib, ... }:
let
  container = name: more: {
    "restart-${name}" = {
      unit = "podman-${name}.service";
      alert = "UnitFailed";
      matchers = [ ''name="podman-${name}.service"'' ];
      expires = "2027-07-01";
    } // more;
  };
  # A container without a digest does not run, and has no unit (containers.nix).
  runs = name: config.watchstander.containers.apps.${name}.digest != null;
in
{
  watchstander.healing.repairs = lib.concatMapAttrs (name: more: lib.optionalAttrs (runs name) (container name more)) {
    organizr = { };
    sillytavern = { };
    litellm.count = 1;
  };
}

# What vulcan may repair by itself. The proxy is restarted by its health check (units.nix); these
# wait for an alert, since only outside it is seen that they are not well.
{
  watchstander.healing.repairs = {
    restart-organizr = { unit = "podman-organizr.service"; alert = "BlackboxProbeFailed"; matchers = [ ''service="organizr"'' ]; expires = "2027-07-01"; };
    restart-sillytavern = { unit = "podman-sillytavern.service"; alert = "BlackboxProbeFailed"; matchers = [ ''service="sillytavern"'' ]; expires = "2027-07-01"; };
    restart-litellm = { unit = "podman-litellm.service"; alert = "BlackboxProbeFailed"; matchers = [ ''service="litellm"'' ]; expires = "2027-07-01"; count = 1; };
  };
}

# watchstander.apparmor.
{ lib, evaluate, broken, tells, ... }:
let
  of = apparmor: more: evaluate [{ watchstander = { inherit apparmor; }; services.prometheus.enable = true; services.nginx.enable = true; } more];
  on = of { enable = true; } { };
  policies = on.security.apparmor.policies;
in
{
  holds = {
    "nothing, unless it is enabled" = !(of { } { }).security.apparmor.enable && (of { } { }).systemd.services == { };
    "no assertion fails" = broken on == [ ];
    "they complain at first" = lib.all (p: p.state == "complain") (lib.attrValues policies);
    "for what runs here" = lib.attrNames policies == [ "watchstander-nginx" "watchstander-prometheus" ];
    "its unit is put into it" = on.systemd.services.prometheus.serviceConfig.AppArmorProfile == "-watchstander-prometheus";
    "each has a switch of its own" = let p = (of { enable = true; profiles.nginx.state = "enforce"; } { }).security.apparmor.policies; in
      p.watchstander-nginx.state == "enforce" && p.watchstander-prometheus.state == "complain";
    "or none" = !((of { enable = true; profiles.nginx.state = "disable"; } { }).systemd.services ? nginx);
    "no placeholder is left" = !(lib.any (p: lib.hasInfix "@rules@" p.profile) (lib.attrValues policies));
    "further rules" = lib.hasInfix "\n  /srv/x r,\n" (of { enable = true; profiles.nginx.rules = [ "/srv/x r" ]; } { }).security.apparmor.policies.watchstander-nginx.profile;
    "a profile that confines nothing is told" = tells "the service does not run on this host itself" (of { enable = true; profiles.grafana.state = "enforce"; } { });
    "a switch that would kill is told" = tells "a switch would kill services" (of { enable = true; } { security.apparmor.killUnconfinedConfinables = true; });
  };
  refused = {
    "a profile that does not exist" = (of { enable = true; profiles.redis.state = "enforce"; } { }).security.apparmor.policies;
    "another state" = (of { enable = true; profiles.nginx.state = "permissive"; } { }).security.apparmor.policies;
    "a rule with its comma" = (of { enable = true; profiles.nginx.rules = [ "/srv/x r," ]; } { }).security.apparmor.policies.watchstander-nginx.profile;
  };
}

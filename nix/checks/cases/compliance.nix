# watchstander.compliance.
{ lib, evaluate, broken, tells, ... }:
let
  of = compliance: more: evaluate [{ watchstander = { inherit compliance; alerts.runbooks = "https://git.example.org/runbooks"; }; } more];
  on = of { enable = true; } { };
  whole = of { enable = true; } {
    watchstander.audit.enable = true;
    watchstander.fail2ban.enable = true;
    watchstander.apparmor.enable = true;
    services.prometheus.enable = true;
    watchstander.constraints.ports = { prometheus = { port = 9090; reach = "local"; }; postgresql = { port = 5432; reach = "vpn"; }; };
  };
  service = on.systemd.services.watchstander-compliance.serviceConfig;
  control = id: { inherit id; title = "x"; kind = "unit"; args = [ "x.service" ]; };
in
{
  holds = {
    "nothing, unless it is enabled" = (of { } { }).systemd.services == { } && (of { } { }).watchstander.alerts.files == { };
    "no assertion fails" = broken on == [ ] && broken whole == [ ];
    "its alerts and its directory" = on.watchstander.alerts.files ? compliance && service.ReadWritePaths == [ "/var/lib/node-exporter-textfile" ];
    "an exception has its reason" = lib.hasInfix ''"accounts-declared":"alice"'' (of { enable = true; exceptions.accounts-declared = "alice"; } { }).environment.etc."watchstander/compliance-exceptions.json".text;
    "a control that is there already is told" = tells "an id that another control has" (of { enable = true; extraControls = [ (control "firewall") ]; } { });
    "an exception to nothing is told" = tells "exceptions names audit-runs" (of { enable = true; exceptions.audit-runs = "x"; } { });
    "which is there with audit" = broken (of { enable = true; exceptions.audit-runs = "x"; } { watchstander.audit.enable = true; }) == [ ];
    "whether the firewall runs" = broken (of { enable = true; exceptions.firewall-runs = "x"; } { }) == [ ]
      && tells "exceptions names firewall-runs" (of { enable = true; exceptions.firewall-runs = "x"; } { networking.firewall.enable = false; });
    "a port of this host's" = broken (of { enable = true; exceptions.port-prometheus = "x"; } { watchstander.constraints.ports.prometheus = { port = 9090; reach = "local"; }; }) == [ ];
    "not one of the VPN's" = tells "exceptions names port-postgresql" (of { enable = true; exceptions.port-postgresql = "x"; } { watchstander.constraints.ports.postgresql = { port = 5432; reach = "vpn"; }; });
  };
  refused = {
    "another kind" = (of { enable = true; extraControls = [ (control "x" // { kind = "shell"; }) ]; } { }).watchstander.compliance.extraControls;
    "an id for a label's end" = (of { enable = true; extraControls = [ (control "x\"") ]; } { }).watchstander.compliance.extraControls;
    "an exception without a reason" = (of { enable = true; exceptions.firewall = ""; } { }).watchstander.compliance.exceptions;
  };
}

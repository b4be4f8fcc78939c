# watchstander.vulnerabilities.
{ lib, evaluate, broken, ... }:
let
  of = vulnerabilities: evaluate [{ watchstander = { inherit vulnerabilities; alerts.runbooks = "https://git.example.org/runbooks"; }; }];
  on = of { enable = true; };
  service = on.systemd.services.watchstander-vulnix.serviceConfig;
in
{
  holds = {
    "nothing, unless it is enabled" = (of { }).systemd.services == { } && (of { }).services.watchstander.agent.settings.nixos or null == null;
    "no assertion fails" = broken on == [ ];
    "the result is where the agent looks" = lib.hasInfix " /var/lib/vulnix/result.json " service.ExecStart
      && on.services.watchstander.agent.settings.nixos.vulnix.result == "/var/lib/vulnix/result.json";
    "it is root's alone to write" = service.StateDirectoryMode == "0755" && !(service ? User) && service.CapabilityBoundingSet == "";
    "once a day" = on.systemd.timers.watchstander-vulnix.timerConfig.OnCalendar == "daily";
    "a whitelist" = lib.hasInfix " --whitelist " (of { enable = true; whitelist = "/etc/vulnix.toml"; }).systemd.services.watchstander-vulnix.serviceConfig.ExecStart;
    "alerts" = on.watchstander.alerts.files ? updates;
  };
  refused."a whitelist that is no file" = (of { enable = true; whitelist = [ "CVE-2020-0001" ]; }).watchstander.vulnerabilities.whitelist;
}

# watchstander.fail2ban.
{ lib, evaluate, broken, tells, ... }:
let
  of = fail2ban: more: evaluate [{ watchstander = { inherit fail2ban; }; } more];
  on = of { enable = true; } { };
  agent = n: { services.watchstander.agent = { enable = true; settings.security.ban_after = n; }; };
in
{
  holds = {
    "nothing, unless it is enabled" = !(of { } { }).services.fail2ban.enable;
    "no assertion fails" = broken on == [ ];
    "after five" = on.services.fail2ban.jails.sshd.settings.maxretry == 5 && on.services.fail2ban.maxretry == 5;
    "it is found whatever sshd calls itself" = on.services.fail2ban.jails.sshd.filter == "sshd[mode=aggressive, journalmatch=\"_SYSTEMD_UNIT=sshd.service\"]"
      && lib.hasInfix "_SYSTEMD_SLICE=system-sshd.slice" (of { enable = true; } { services.openssh.startWhenNeeded = true; }).services.fail2ban.jails.sshd.filter;
    "its bans can be counted" = on.services.fail2ban.daemonSettings.Definition == { loglevel = "INFO"; logtarget = "SYSLOG"; dbpurgeage = "30d"; };
    "within the day that the agent counts by" = on.services.fail2ban.jails.sshd.settings.findtime == "1d";
    "every port of SSH" = (of { enable = true; } { services.openssh.ports = [ 22 2222 ]; }).services.fail2ban.jails.sshd.settings.port == "22,2222";
    "the agent counts by the same" = broken (of { enable = true; banAfter = 3; } (agent 3)) == [ ];
    "by another is told" = tells "the agent counts by 5" (of { enable = true; banAfter = 3; } (agent 5));
    "its own five too" = tells "the agent counts by 5" (of { enable = true; banAfter = 3; } { services.watchstander.agent.enable = true; });
    "no firewall is told" = tells "nobody is kept out" (of { enable = true; } { networking.firewall.enable = false; });
  };
  refused = {
    "after one" = (of { enable = true; banAfter = 1; } { }).services.fail2ban.maxretry;
    "a time in words" = (of { enable = true; banTime = "an hour"; } { }).services.fail2ban.bantime;
  };
}

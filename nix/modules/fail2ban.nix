# watchstander.fail2ban: addresses whose logins keep failing are kept out. How many of them were
# is what the agent counts from the journal (the reading "fail2ban"), so it writes there.
{ config, lib, ... }:
let
  inherit (lib) mkEnableOption mkIf mkOption types;
  cfg = config.watchstander.fail2ban;
  agent = config.services.watchstander.agent or { };
  told = agent.settings.security.ban_after or 5;
in
{
  options.watchstander.fail2ban = {
    enable = mkEnableOption "fail2ban for SSH";
    banAfter = mkOption {
      type = types.ints.between 2 20;
      default = 5;
      description = "After so many failures within `within` an address is kept out. The agent's security.ban_after must be the same, since it counts by it.";
    };
    within = mkOption { type = types.strMatching "[0-9]+[smhd]"; default = "1d"; description = "The time in which failures count. The agent adds up a day's: with less, who tries slowly is counted by it and never kept out."; };
    banTime = mkOption { type = types.strMatching "[0-9]+[smhd]"; default = "1h"; description = "How long at first; it doubles with each further time."; };
    longest = mkOption { type = types.strMatching "[0-9]+[smhd]"; default = "168h"; description = "How long at most."; };
    ignore = mkOption {
      type = types.listOf types.nonEmptyStr;
      default = [ ];
      example = [ "10.100.0.0/24" ];
      description = "Addresses that are never kept out, so that a fault does not lock everybody out: the VPN's.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = config.networking.firewall.enable;
        message = "watchstander.fail2ban.enable needs networking.firewall.enable: without it nobody is kept out.";
      }
      {
        assertion = !(agent.enable or false) || told == cfg.banAfter;
        message = "watchstander.fail2ban.banAfter is ${toString cfg.banAfter}, and the agent counts by ${toString told}: set services.watchstander.agent.settings.security.ban_after to the same.";
      }
    ];
    services.fail2ban = {
      enable = true;
      maxretry = cfg.banAfter;
      bantime = cfg.banTime;
      bantime-increment = { enable = true; maxtime = cfg.longest; overalljails = true; };
      ignoreIP = cfg.ignore;
      # What it has forgotten does not make a ban longer: NixOS' fail2ban forgets after a day.
      daemonSettings.Definition = { loglevel = "INFO"; logtarget = "SYSLOG"; dbpurgeage = "30d"; };
      jails.sshd = {
        # OpenSSH 9.8 and later log as sshd-session: by the unit both are found. It is said here, since
        # NixOS has an option for changes to fail2ban's own filters only after 26.05.
        filter = "sshd[mode=aggressive, journalmatch=\"${
          if config.services.openssh.startWhenNeeded or false then "_SYSTEMD_SLICE=system-sshd.slice" else "_SYSTEMD_UNIT=sshd.service"
        }\"]";
        settings = {
          backend = "systemd";
          port = lib.concatMapStringsSep "," toString config.services.openssh.ports;
          findtime = cfg.within;
          maxretry = cfg.banAfter;
        };
      };
    };
  };
}

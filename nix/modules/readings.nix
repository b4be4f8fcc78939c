# watchstander.readings: what the agent measures (backups, pools, drift, certificates, logins
# and the like), written for node_exporter every few minutes, with alert rules for it. So
# alarms about it need no bot, and are raised from the same evidence as the bot's own words.
{ config, lib, ... }:
let
  inherit (lib) mkEnableOption mkIf mkOption types;
  cfg = config.watchstander.readings;
  bot = config.services.watchstander;
  inherit (config.watchstander.textfile) directory;
in
{
  imports = [ ./alerts.nix ./textfile.nix ./watchstander.nix ];

  options.watchstander.readings = {
    enable = mkEnableOption "what the agent measures as metrics, with alert rules";
    every = mkOption {
      type = types.ints.between 1 15;
      default = 5;
      description = "How many minutes lie between two looks. An alert says so when the newest is half an hour old.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [{
      assertion = bot.agent.enable;
      message = "watchstander.readings.enable is on, and services.watchstander.agent.enable is not: there is nobody who measures.";
    }];

    watchstander.alerts.files.readings = ../alerts/readings.yaml;
    watchstander.textfile.enable = true;

    systemd.services.watchstander-readings = {
      description = "What Watchstander's agent measures, for Prometheus";
      after = [ "watchstander-approve.socket" ];
      serviceConfig = import ../confined.nix // {
        Type = "oneshot";
        ExecStart = "${lib.getExe bot.package} readings --textfile ${directory}/watchstander.prom";
        TimeoutStartSec = "3min";
        ReadWritePaths = [ directory ];
        # It is root for the agent to know it, and nothing else: everybody may read the file.
        UMask = "0022";
        MemoryMax = "256M";
        TasksMax = 64;
        CapabilityBoundingSet = "";
        IPAddressDeny = "any";
        MemoryDenyWriteExecute = true;
        PrivateDevices = true;
        PrivateNetwork = true;
        ProtectProc = "invisible";
        RestrictAddressFamilies = [ "AF_UNIX" ];
        SystemCallErrorNumber = "EPERM";
        SystemCallFilter = [ "@system-service" "~@privileged @resources" ];
      };
    };
    systemd.timers.watchstander-readings = {
      description = "What Watchstander's agent measures, for Prometheus";
      wantedBy = [ "timers.target" ];
      timerConfig = {
        OnBootSec = "2min";
        OnUnitInactiveSec = "${toString cfg.every}min";
        RandomizedDelaySec = "10s";
      };
    };
  };
}

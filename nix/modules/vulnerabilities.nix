# watchstander.vulnerabilities: vulnix compares the running system with the list of known
# holes, by a timer. The agent tells what it found (`vulnerabilities`); Prometheus gets counts
# by severity, and never a CVE's number.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkDefault mkIf mkOption mkEnableOption types;
  cfg = config.watchstander.vulnerabilities;
  textfiles = config.watchstander.textfile.directory;
  whitelist = lib.optionals (cfg.whitelist != null) [ "--whitelist" "${cfg.whitelist}" ];
in
{
  imports = [ ./alerts.nix ./textfile.nix ./watchstander.nix ];

  options.watchstander.vulnerabilities = {
    enable = mkEnableOption "a scan of the running system for known holes (vulnix). It downloads the NVD's list, from there or from a copy of it, and sends nothing about this host";
    startAt = mkOption { type = types.nonEmptyStr; default = "daily"; description = "When (systemd.time(7))."; };
    whitelist = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "./vulnix-whitelist.toml";
      description = "What does not concern this host, in vulnix' format (TOML): each entry with a reason, and `until` with a day on which it is looked at again.";
    };
  };

  config = mkIf cfg.enable {
    environment.systemPackages = [ pkgs.vulnix ];

    systemd.services.watchstander-vulnix = {
      description = "Compare the running system with the known holes";
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ];
      # After a switch another system runs, of which the old result says nothing.
      restartIfChanged = false;
      # By itself root's Nix would write the store's database.
      environment = { NIX_REMOTE = "daemon"; HOME = "/var/cache/vulnix"; };
      serviceConfig = import ../confined.nix // {
        Type = "oneshot";
        ExecStart = lib.concatStringsSep " " ([
          (import ../script.nix { inherit lib pkgs; } "vulnix-scan" [ pkgs.coreutils pkgs.jq config.nix.package pkgs.vulnix ])
          "/var/lib/vulnix/result.json"
          textfiles
          "--cache-dir"
          "/var/cache/vulnix"
        ] ++ whitelist);
        StateDirectory = "vulnix";
        StateDirectoryMode = "0755";
        CacheDirectory = "vulnix";
        CacheDirectoryMode = "0700";
        ReadWritePaths = [ textfiles ];
        TimeoutStartSec = "2h";
        MemoryMax = "4G";
        Nice = 19;
        IOSchedulingClass = "idle";
        UMask = "0022";
        CapabilityBoundingSet = "";
        PrivateDevices = true;
        ProtectProc = "invisible";
        RestrictAddressFamilies = [ "AF_UNIX" "AF_INET" "AF_INET6" ];
        SystemCallFilter = [ "@system-service" ];
      };
    };
    systemd.timers.watchstander-vulnix = {
      description = "Compare the running system with the known holes";
      wantedBy = [ "timers.target" ];
      timerConfig = { OnCalendar = cfg.startAt; Persistent = true; RandomizedDelaySec = "1h"; };
    };

    services.watchstander.agent.settings.nixos.vulnix.result = mkDefault "/var/lib/vulnix/result.json";
    watchstander.textfile.enable = true;
    watchstander.alerts.files.updates = ../alerts/updates.yaml;
  };
}

# watchstander.incident: what a machine can do by itself when something goes wrong: put away what
# it looked like, before a restart takes it. Opening an incident, leading it and ending it is
# people's, and theirs alone: `incident open` in the alert's thread (docs/runbooks/incident.md),
# whose steps are a checklist that the bot's settings change.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkIf mkOption mkEnableOption types;
  cfg = config.watchstander.incident;
  unit = "watchstander-evidence";
in
{
  options.watchstander.incident = {
    enable = mkEnableOption "the collection of evidence: `systemctl start watchstander-evidence@REASON`, or by itself when certain units fail";
    onFailureOf = mkOption {
      type = types.listOf (types.strMatching "[^.]+");
      default = [ ];
      example = [ "postgresql" "step-ca" ];
      description = "Services, without `.service`, whose failure has it collected.";
    };
    keep = mkOption {
      type = types.ints.between 1 100;
      default = 10;
      description = "So many collections stay in `/var/lib/watchstander-evidence`. Each has some MiB, is root's alone, and is in no backup unless you put it there.";
    };
  };

  config = mkIf cfg.enable {
    systemd.services = lib.genAttrs cfg.onFailureOf (_: { onFailure = [ "${unit}@%N.service" ]; }) // {
      "${unit}@" = {
        description = "Put away what it looks like: %i";
        # Several failures at once have one cause, and one collection or two; a unit that flaps
        # fills no disk.
        unitConfig = { StartLimitBurst = 2; StartLimitIntervalSec = "1h"; };
        # In use while the rest is changed.
        restartIfChanged = false;
        serviceConfig = import ../confined.nix // {
          Type = "oneshot";
          ExecStart = "${import ../script.nix { inherit lib pkgs; } "collect-evidence"
            [ pkgs.coreutils pkgs.findutils pkgs.gnutar pkgs.gzip pkgs.iproute2 pkgs.procps config.systemd.package ]} /var/lib/${unit} ${toString cfg.keep} %i";
          StateDirectory = unit;
          StateDirectoryMode = "0700";
          TimeoutStartSec = "20min";
          MemoryMax = "512M";
          Nice = 10;
          # It looks at what is others': processes, sockets, pools.
          CapabilityBoundingSet = [ "CAP_DAC_READ_SEARCH" "CAP_SYS_PTRACE" "CAP_NET_ADMIN" "CAP_SYS_ADMIN" "CAP_SYSLOG" ];
          IPAddressDeny = "any";
          ProtectHome = "read-only";
          ProtectKernelModules = true;
          ProtectSystem = "strict";
          # Podman, which is asked for its containers, locks and writes its storage.
          ReadWritePaths = [ "-/var/lib/containers" "-/run/containers" "-/run/libpod" "-/run/lock" ];
          RestrictRealtime = true;
          SystemCallArchitectures = "native";
          # The kernel's log is evidence, and Podman tells of its containers from a namespace.
          ProtectKernelLogs = false;
          ProtectControlGroups = false;
          ProtectKernelTunables = false;
          RestrictNamespaces = false;
        };
        # What is of the running system: zpool, podman.
        path = [ "/run/booted-system/sw" "/run/current-system/sw" ];
      };
    };
  };
}

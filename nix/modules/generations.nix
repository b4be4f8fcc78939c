# watchstander.generations: old generations go by their number, never by their age, so that a
# quiet month does not leave a single one; then what nothing needs any more is collected.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkEnableOption mkIf mkOption types;
  cfg = config.watchstander.generations;
in
{
  options.watchstander.generations = {
    enable = mkEnableOption "keeping the newest generations by their number, and collecting garbage";
    keep = mkOption {
      type = types.addCheck types.ints.positive (n: n >= 3);
      default = 10;
      description = "So many are kept, beside the current one and what is newer than it. Fewer than three are not agreed to.";
    };
    startAt = mkOption { type = types.nonEmptyStr; default = "Sun 12:00"; description = "When (systemd.time(7)): not while backups run."; };
    profile = mkOption { type = types.strMatching "/nix/var/nix/profiles/.+"; default = "/nix/var/nix/profiles/system"; description = "The profile with the generations."; };
  };

  config = mkIf cfg.enable {
    assertions = [{
      assertion = !(config.nix.gc.automatic or false);
      message = "watchstander.generations and nix.gc.automatic exclude each other: set nix.gc.automatic = false.";
    }];
    systemd.services.watchstander-generations = {
      description = "Keep the newest ${toString cfg.keep} generations, and collect garbage";
      after = [ "nix-daemon.socket" ];
      requires = [ "nix-daemon.socket" ];
      # A switch does not end it; and it waits for a switch, by the lock that one takes itself:
      # the way back must not go while it may be needed.
      restartIfChanged = false;
      environment = { NIX_REMOTE = "daemon"; HOME = "/tmp"; };
      serviceConfig = import ../confined.nix // {
        Type = "oneshot";
        # "+N" keeps the newest N, and never deletes the current one.
        ExecStart = [
          "${pkgs.util-linux}/bin/flock --wait 900 /run/nixos/switch-to-configuration.lock ${config.nix.package}/bin/nix-env --profile ${cfg.profile} --delete-generations +${toString cfg.keep}"
          "${config.nix.package}/bin/nix-store --gc"
        ];
        # The lock lies there; it is not taken away when this is over.
        RuntimeDirectory = "nixos";
        RuntimeDirectoryMode = "0755";
        RuntimeDirectoryPreserve = true;
        TimeoutStartSec = "4h";
        Nice = 19;
        IOSchedulingClass = "idle";
        MemoryMax = "1G";
        # It takes links away here; what is collected is the daemon's work, which may write to the store.
        ReadWritePaths = [ "/nix/var/nix/profiles" ];
        CapabilityBoundingSet = "";
        PrivateDevices = true;
        RestrictAddressFamilies = [ "AF_UNIX" ];
      };
    };
    systemd.timers.watchstander-generations = {
      description = "Keep the newest generations, and collect garbage";
      wantedBy = [ "timers.target" ];
      timerConfig = { OnCalendar = cfg.startAt; Persistent = true; RandomizedDelaySec = "30min"; };
    };
  };
}

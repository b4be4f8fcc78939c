# watchstander.zfs: the cache's bounds, scrubs, trims, snapshots, and how datasets ought to be
# compressed, which is compared and never applied.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkDefault mkEnableOption mkIf mkOption types;
  cfg = config.watchstander.zfs;
  textfiles = config.watchstander.textfile.directory;

  dataset = types.strMatching "[A-Za-z][A-Za-z0-9_.:-]*(/[A-Za-z0-9_.:-]+)*";
  algorithm = types.enum [ "off" "lz4" "zstd" "gzip" "zle" "lzjb" ];
  bytes = mib: toString (mib * 1024 * 1024);
  poolOf = name: lib.head (lib.splitString "/" name);
  unknown = lib.filter (name: !(lib.elem (poolOf name) cfg.pools))
    (lib.attrNames cfg.snapshots.datasets ++ lib.attrNames cfg.compression.datasets);

  size = default: description: mkOption { type = types.nullOr types.ints.positive; inherit default description; example = 4096; };
  kept = what: default: mkOption { type = types.ints.unsigned; inherit default; description = "How many ${what} snapshots are kept."; };

  compression = import ../script.nix { inherit lib pkgs; } "zfs-compression" [ pkgs.coreutils ];
  policy = pkgs.writeText "zfs-compression" (lib.concatLines (lib.mapAttrsToList (name: want: "${want}\t${name}") cfg.compression.datasets));
in
{
  imports = [ ./alerts.nix ./textfile.nix ./watchstander.nix ];

  options.watchstander.zfs = {
    enable = mkEnableOption "bounds of ZFS' cache, scrubs, trims, snapshots and the alerts on them";

    pools = mkOption {
      type = types.listOf (types.strMatching "[A-Za-z][A-Za-z0-9_.:-]*");
      default = [ ];
      example = [ "rpool" "tank" ];
      description = "The pools of this host, by name.";
    };

    memory = mkOption {
      type = types.ints.positive;
      example = 65536;
      description = "How much memory the machine has, in MiB: the kernel ignores an upper bound of the cache that is not below it.";
    };

    arc = {
      min = size null "What ZFS' cache (the ARC) keeps even when memory is short, in MiB; null leaves it to the kernel. The kernel takes nothing below 32.";
      max = size null "What the cache may grow to, in MiB; null leaves it to the kernel. Programs are killed for memory before a cache that is too large has shrunk.";
    };

    scrub.interval = mkOption {
      type = types.nonEmptyStr;
      default = "monthly";
      description = "When the pools are scrubbed (systemd.time(7)). The agent says so when the last scrub is older than `scrub.within`.";
    };
    scrub.within = mkOption {
      type = types.strMatching "[1-9][0-9]*d";
      default = "35d";
      description = "How old the last scrub may be.";
    };
    trim = mkOption { type = types.bool; default = true; description = "Whether freed blocks are told to the SSDs, weekly."; };

    snapshots = {
      templates = mkOption {
        type = types.attrsOf (types.submodule {
          options = { hourly = kept "hourly" 24; daily = kept "daily" 14; monthly = kept "monthly" 3; yearly = kept "yearly" 0; };
        });
        default = { };
        example = { standard = { hourly = 36; daily = 30; monthly = 6; }; };
        description = "How many snapshots are kept, by a name.";
      };
      datasets = mkOption {
        type = types.attrsOf types.nonEmptyStr;
        default = { };
        example = { "rpool/home" = "standard"; };
        description = "The template of each dataset of which sanoid takes snapshots, and with it of all that is below. Snapshots are no backups: they are lost with the pool.";
      };
    };

    compression = {
      check = mkOption { type = types.bool; default = cfg.pools != [ ]; defaultText = lib.literalExpression "config.watchstander.zfs.pools != [ ]"; description = "Whether the datasets' compression is compared with this policy, daily. Nothing is changed."; };
      default = mkOption { type = algorithm; default = "lz4"; description = "What a dataset ought to have. `on` counts as lz4."; };
      datasets = mkOption {
        type = types.attrsOf algorithm;
        default = { };
        example = { "tank/archive" = "zstd"; };
        description = "What others ought to have, each with everything below it. Any level of an algorithm will do, but for zstd's fast ones.";
      };
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.arc.min == null || cfg.arc.min >= 32;
        message = "watchstander.zfs.arc.min is below 32 MiB, which the kernel ignores. It is counted in MiB: 4 GiB are 4096.";
      }
      {
        assertion = cfg.arc.max == null || cfg.arc.max >= 64;
        message = "watchstander.zfs.arc.max is below 64 MiB, which the kernel ignores. It is counted in MiB: 32 GiB are 32768.";
      }
      {
        assertion = cfg.arc.min == null || cfg.arc.max == null || cfg.arc.min < cfg.arc.max;
        message = "watchstander.zfs.arc.min is not below watchstander.zfs.arc.max.";
      }
      {
        assertion = lib.all (x: x == null || x < cfg.memory) [ cfg.arc.min cfg.arc.max ];
        message = "watchstander.zfs.arc: a bound is not below the memory (watchstander.zfs.memory), and the kernel ignores such a one.";
      }
      {
        assertion = config.networking.hostId != null;
        message = "watchstander.zfs.enable needs networking.hostId, by which ZFS knows whose pool it is: eight hexadecimal digits, from `head -c 8 /etc/machine-id`, and never changed.";
      }
      {
        assertion = cfg.pools != [ ];
        message = "watchstander.zfs.pools is empty: nothing would be scrubbed or looked at.";
      }
      {
        assertion = unknown == [ ];
        message = "watchstander.zfs: ${lib.concatStringsSep ", " unknown}: its pool is not one of watchstander.zfs.pools.";
      }
      {
        assertion = lib.all (t: cfg.snapshots.templates ? ${t}) (lib.attrValues cfg.snapshots.datasets);
        message = "watchstander.zfs.snapshots.datasets names a template that watchstander.zfs.snapshots.templates has not.";
      }
    ];

    # Both in one line: the module's parameters are read once, when it is loaded.
    boot.extraModprobeConfig = mkIf (cfg.arc.min != null || cfg.arc.max != null) (lib.concatStringsSep " " ([ "options zfs" ]
      ++ lib.optional (cfg.arc.max != null) "zfs_arc_max=${bytes cfg.arc.max}"
      ++ lib.optional (cfg.arc.min != null) "zfs_arc_min=${bytes cfg.arc.min}"));

    services.zfs = {
      autoScrub = { enable = true; inherit (cfg.scrub) interval; inherit (cfg) pools; };
      trim.enable = cfg.trim;
      zed.settings = {
        # Into the journal, where alerts and people look; nobody reads root's mail.
        ZED_SYSLOG_PRIORITY = "daemon.notice";
        ZED_NOTIFY_INTERVAL_SECS = 3600;
        ZED_SCRUB_AFTER_RESILVER = true;
      };
    };

    services.sanoid = mkIf (cfg.snapshots.datasets != { }) {
      enable = true;
      templates = lib.mapAttrs (_: t: { inherit (t) hourly daily monthly yearly; autosnap = true; autoprune = true; }) cfg.snapshots.templates;
      datasets = lib.mapAttrs (_: template: { use_template = [ template ]; recursive = true; }) cfg.snapshots.datasets;
    };

    services.watchstander.agent.settings = mkIf config.services.watchstander.agent.enable {
      zfs = {
        scrub_within = mkDefault cfg.scrub.within;
        snapshots = mkDefault (lib.attrNames cfg.snapshots.datasets);
      };
    };

    watchstander.alerts.files = { zfs = ../alerts/zfs.yaml; } // lib.optionalAttrs cfg.compression.check { zfs-compression = ../alerts/zfs-compression.yaml; };
    watchstander.textfile.enable = mkIf cfg.compression.check true;

    systemd.services = mkIf cfg.compression.check {
      watchstander-zfs-compression = {
        description = "Compare the datasets' compression with what it ought to be";
        after = [ "zfs.target" ];
        # The program of the running module: another version may not understand it.
        path = [ "/run/booted-system/sw" ];
        serviceConfig = import ../confined.nix // {
          Type = "oneshot";
          ExecStart = "${compression} ${policy} ${cfg.compression.default} ${textfiles} ${lib.concatStringsSep " " cfg.pools}";
          ReadWritePaths = [ textfiles ];
          TimeoutStartSec = "5min";
          MemoryMax = "256M";
          TasksMax = 64;
          UMask = "0022";
          CapabilityBoundingSet = "";
          DevicePolicy = "closed";
          DeviceAllow = [ "/dev/zfs rw" ];
          IPAddressDeny = "any";
          MemoryDenyWriteExecute = true;
          PrivateNetwork = true;
          RestrictAddressFamilies = [ "AF_UNIX" ];
        };
      };
    };
    systemd.timers = mkIf cfg.compression.check {
      watchstander-zfs-compression = {
        description = "Compare the datasets' compression with what it ought to be";
        wantedBy = [ "timers.target" ];
        timerConfig = { OnCalendar = "daily"; Persistent = true; RandomizedDelaySec = "30min"; };
      };
    };
  };
}

# Of ZFS, sanoid, restic, PostgreSQL and step-ca, what the modules define, with NixOS' types.
{ lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  bool = default: mkOption { type = types.bool; inherit default; };
  str = default: mkOption { type = types.str; inherit default; };
  strs = mkOption { type = types.listOf types.str; default = [ ]; };
  nullOr = type: mkOption { type = types.nullOr type; default = null; };
  counts = lib.genAttrs [ "hourly" "daily" "monthly" "yearly" ] (_: nullOr types.ints.unsigned)
    // { autosnap = nullOr types.bool; autoprune = nullOr types.bool; };
  more = types.attrsOf (types.nullOr (types.oneOf [ types.str types.int types.bool (types.listOf types.str) ]));
in
{
  options.services = {
    zfs = {
      autoScrub = { enable = bool false; interval = str "monthly"; randomizedDelaySec = str "6h"; pools = strs; };
      trim = { enable = bool true; interval = str "weekly"; randomizedDelaySec = str "6h"; };
      zed = {
        enableMail = bool false;
        settings = mkOption { type = types.attrsOf (types.oneOf [ types.str types.int types.bool (types.listOf types.str) ]); default = { }; };
      };
    };

    sanoid = {
      enable = bool false;
      interval = str "hourly";
      extraArgs = strs;
      templates = mkOption { default = { }; type = types.attrsOf (types.submodule { freeformType = more; options = counts; }); };
      datasets = mkOption {
        default = { };
        type = types.attrsOf (types.submodule {
          freeformType = more;
          options = counts // {
            use_template = strs;
            recursive = mkOption { type = types.either types.bool (types.enum [ "zfs" ]); default = false; };
            process_children_only = bool false;
          };
        });
      };
    };

    restic.backups = mkOption {
      default = { };
      type = types.attrsOf (types.submodule {
        options = {
          user = str "root";
          repository = nullOr types.str;
          repositoryFile = nullOr types.path;
          passwordFile = nullOr types.str;
          environmentFile = nullOr types.str;
          paths = mkOption { type = types.nullOr (types.listOf types.str); default = [ ]; };
          exclude = strs;
          extraBackupArgs = strs;
          extraOptions = strs;
          pruneOpts = strs;
          runCheck = bool false;
          checkOpts = strs;
          initialize = bool false;
          inhibitsSleep = bool false;
          createWrapper = bool true;
          backupPrepareCommand = nullOr types.str;
          backupCleanupCommand = nullOr types.str;
          package = mkOption { type = types.package; default = pkgs.restic; };
          timerConfig = mkOption { type = types.nullOr (types.attrsOf types.anything); default = { OnCalendar = "daily"; Persistent = true; }; };
        };
      });
    };

    postgresql = {
      enable = bool false;
      package = mkOption { type = types.package; default = pkgs.postgresql; };
      extensions = mkOption { type = types.raw; default = [ ]; }; # a list, or a function of the packages to one
      enableTCPIP = bool false;
      authentication = mkOption { type = types.lines; default = ""; };
      identMap = mkOption { type = types.lines; default = ""; };
      dataDir = mkOption { type = types.path; default = "/var/lib/postgresql/16"; };
      settings = mkOption {
        default = { };
        type = types.submodule {
          freeformType = types.attrsOf (types.oneOf [ types.bool types.float types.int types.str ]);
          options = {
            port = mkOption { type = types.port; default = 5432; };
            shared_preload_libraries = nullOr types.str;
          };
        };
      };
    };
    postgresqlBackup = {
      enable = bool false;
      startAt = mkOption { type = types.either (types.listOf types.str) types.str; default = "*-*-* 01:15:00"; };
      backupAll = bool true;
      databases = strs;
      location = mkOption { type = types.path; default = "/var/backup/postgresql"; };
      pgdumpOptions = str "-C";
      compression = mkOption { type = types.enum [ "none" "gzip" "zstd" ]; default = "gzip"; };
      compressionLevel = mkOption { type = types.ints.between 1 19; default = 6; };
    };

    step-ca = {
      enable = bool false;
      openFirewall = bool false;
      address = mkOption { type = types.str; };
      port = mkOption { type = types.port; };
      settings = mkOption { type = types.attrsOf types.anything; };
      intermediatePasswordFile = nullOr types.path;
    };
  };
}

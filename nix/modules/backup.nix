# watchstander.backup: restic backups of this host, and what the agent must know of them, from
# the same options. Backups are made by NixOS' units; whether they are fresh, whole, can be
# restored and are enough (3-2-1) is the agent's to find out, from the repositories themselves.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkEnableOption mkIf mkOption types;
  cfg = config.watchstander.backup;
  agent = config.services.watchstander.agent;

  # No path literal: Nix would copy what it names into the store.
  secret = types.strMatching "/.+";
  directory = types.strMatching "/.*";
  duration = types.strMatching "[1-9][0-9]*[mhd]";
  size = types.strMatching "[1-9][0-9]*(KiB|MiB|GiB)";
  nullOr = type: description: mkOption { type = types.nullOr type; default = null; inherit description; };
  kept = what: default: mkOption { type = types.ints.unsigned; inherit default; description = "How many ${what} snapshots are kept."; };

  repository = {
    options = {
      repository = nullOr types.nonEmptyStr "Where it is, without a password: a local directory. This, or `repositoryFile`.";
      repositoryFile = nullOr secret "A file that says where it is, as in `b2:BUCKET:vulcan`.";
      passwordFile = mkOption { type = secret; example = "/run/secrets/restic-b2"; description = "The file with its password. A copy of it must lie outside of this host: without it the backup is worth nothing."; };
      environmentFile = nullOr secret "What its backend needs, in systemd's format: `B2_ACCOUNT_ID` and `B2_ACCOUNT_KEY`.";
      medium = mkOption { type = types.nonEmptyStr; example = "backblaze"; description = "What it lies on. Two on one medium are lost together, and count as one."; };
      offsite = mkOption { type = types.bool; default = false; description = "Whether that is elsewhere."; };
      mount = nullOr directory "A local repository's mount: where it is not mounted the backup fails, and does not fill what lies beneath.";
      startAt = mkOption { type = types.strMatching "([01][0-9]|2[0-3]):[0-5][0-9]"; example = "02:30"; description = "When the daily backup begins, in the host's zone. Each repository has another time, and they wait for each other."; };
      paths = nullOr (types.listOf directory) "What is backed up; the paths of all `datasets`, if nothing else is said.";
      exclude = mkOption { type = types.listOf types.nonEmptyStr; default = [ ]; example = [ "*.tmp" "/var/cache" ]; description = "What is left out, beside the `exclude` of all."; };
      keep = { daily = kept "daily" 14; weekly = kept "weekly" 8; monthly = kept "monthly" 12; yearly = kept "yearly" 2; };
      initialize = mkOption { type = types.bool; default = false; description = "Whether it is made where there is none. Leave it off once it exists: else a wrong path makes an empty one that looks well."; };
      maxAge = mkOption { type = duration; default = "26h"; description = "How old its newest snapshot may be."; };
      verifyAge = mkOption { type = duration; default = "9d"; description = "How old its last good verification may be."; };
      runTime = mkOption { type = duration; default = "12h"; description = "When a backup is given up."; };
      limitUpload = nullOr types.ints.positive "How many KiB a second a backup may send.";
      limitDownload = nullOr size "How much a second the agent's questions, checks and drills may load from it.";
    };
  };
  dataset = {
    options = {
      paths = mkOption { type = types.nonEmptyListOf directory; example = [ "/home" ]; description = "Its directories."; };
      medium = mkOption { type = types.nonEmptyStr; example = "rpool"; description = "What it lies on itself."; };
    };
  };

  all = lib.unique (lib.concatMap (d: d.paths) (lib.attrValues cfg.datasets));
  pathsOf = r: if r.paths != null then r.paths else all;
  excludesOf = r: lib.unique (cfg.exclude ++ r.exclude ++ lib.optional (cfg.scratch != null) cfg.scratch);
  unit = name: "restic-backups-${name}";
  covers = r: d: lib.all (p: lib.any (q: p == q || lib.hasPrefix (lib.removeSuffix "/" q + "/") p) (pathsOf r)) d.paths;
  copies = d: lib.filter (r: covers r d) (lib.attrValues cfg.repositories);
  names = lib.attrNames cfg.repositories;
  # In the order of the day.
  order = lib.sort (a: b: cfg.repositories.${a}.startAt < cfg.repositories.${b}.startAt) names;
  before = name: lib.filter (other: other != name && cfg.repositories.${other}.startAt <= cfg.repositories.${name}.startAt) order;

  # A verification by the agent holds the repository for as long as one check takes, and so does
  # a backup that is made by hand: the night's waits for them, and does not fail. restic knows no days.
  retryLock = "--retry-lock=" + (if lib.hasSuffix "d" cfg.check.time then "${toString (24 * lib.toIntBase10 (lib.removeSuffix "d" cfg.check.time))}h" else cfg.check.time);

  known = lib.filterAttrs (_: v: v != null && v != [ ]);
in
{
  imports = [ ./alerts.nix ./watchstander.nix ];

  options.watchstander.backup = {
    enable = mkEnableOption "backups by restic, and what the agent knows of them";
    package = mkOption { type = types.package; default = pkgs.restic; defaultText = lib.literalExpression "pkgs.restic"; description = "restic itself, for the backups and for the agent."; };
    repositories = mkOption {
      type = types.attrsOf (types.submodule repository);
      default = { };
      example = lib.literalExpression ''
        {
          b2 = { repositoryFile = "/run/secrets/restic-b2-location"; environmentFile = "/run/secrets/restic-b2-environment"; passwordFile = "/run/secrets/restic-b2"; medium = "backblaze"; offsite = true; startAt = "02:30"; };
          local = { repository = "/backup/restic"; mount = "/backup"; passwordFile = "/run/secrets/restic-local"; medium = "backup-disk"; startAt = "05:00"; };
        }
      '';
      description = "Where backups go, by name: the name is what people type.";
    };
    datasets = mkOption {
      type = types.attrsOf (types.submodule dataset);
      default = { };
      example = { home = { paths = [ "/home" ]; medium = "rpool"; }; };
      description = "What must not be lost, by name. Each must be in two repositories, one of them elsewhere and none of the two on its own medium (3-2-1).";
    };
    exclude = mkOption { type = types.listOf types.nonEmptyStr; default = [ ]; example = [ "/home/*/.cache" ]; description = "What all backups leave out."; };
    after = mkOption { type = types.listOf types.nonEmptyStr; default = [ ]; example = [ "postgresqlBackup.service" ]; description = "Units for which a backup waits while they run: dumps."; };
    scratch = nullOr (types.strMatching "/.+") "Where restore drills put files: a mount of its own, of which neither backups nor snapshots are made. Without it nothing is ever restored for a test.";
    drill = {
      files = mkOption { type = types.ints.between 1 10000; default = 40; description = "How many files a restore drill restores and compares, at most."; };
      bytes = mkOption { type = size; default = "2GiB"; description = "How much it restores, at most."; };
      time = mkOption { type = duration; default = "30m"; description = "How long it may take."; };
    };
    check = {
      parts = mkOption { type = types.ints.between 1 256; default = 12; description = "In how many parts a repository's data is read: another one each week, so that all is read in so many weeks."; };
      time = mkOption { type = duration; default = "4h"; description = "How long one check may take, and how long a backup waits for it."; };
    };
    unattended = {
      enable = mkEnableOption "a verification of each repository every week without anybody's word: its structure, the week's part of its data, and a restore drill. It is a standing approval of root's, for the alert RestoreDrillDue";
      expires = nullOr (types.strMatching "20[0-9]{2}-[01][0-9]-[0-3][0-9]") "The day from which nobody has agreed to it any more. Who agrees in advance says until when.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.repositories != { };
        message = "watchstander.backup.repositories is empty: nothing is backed up.";
      }
      {
        assertion = cfg.datasets != { };
        message = "watchstander.backup.datasets is empty: say what must not be lost.";
      }
      {
        assertion = lib.length (lib.unique (map (r: r.startAt) (lib.attrValues cfg.repositories))) == lib.length names;
        message = "watchstander.backup.repositories: two of them begin at the same time; give each its own startAt.";
      }
      {
        assertion = cfg.unattended.enable -> cfg.scratch != null;
        message = "watchstander.backup.unattended.enable needs watchstander.backup.scratch: without it no file is restored, and no verification is ever whole.";
      }
      {
        assertion = cfg.unattended.enable -> cfg.unattended.expires != null;
        message = "watchstander.backup.unattended.enable needs watchstander.backup.unattended.expires: who agrees in advance says until when.";
      }
      {
        assertion = cfg.unattended.enable -> agent.enable && config.watchstander.readings.enable or false;
        message = "watchstander.backup.unattended.enable needs services.watchstander.agent.enable and watchstander.readings.enable: the alert that asks for it is about what the agent measures.";
      }
    ]
    ++ lib.concatLists (lib.mapAttrsToList
      (name: r: [
        {
          assertion = (r.repository == null) != (r.repositoryFile == null);
          message = "watchstander.backup.repositories.${name}: set repository or repositoryFile, and not both.";
        }
        {
          assertion = r.repository == null || lib.hasPrefix "/" r.repository;
          message = "watchstander.backup.repositories.${name}.repository is no local directory. A place elsewhere goes into a file (repositoryFile): its address may hold a password.";
        }
        {
          assertion = builtins.match "[a-z0-9][a-z0-9._-]*" name != null;
          message = "watchstander.backup.repositories.${name}: the name must be in small letters, digits, dots and dashes.";
        }
        {
          assertion = r.offsite -> r.repository == null;
          message = "watchstander.backup.repositories.${name}.offsite: a local directory is not elsewhere.";
        }
        {
          assertion = lib.any (n: n > 0) (lib.attrValues r.keep);
          message = "watchstander.backup.repositories.${name}.keep: with nothing kept restic would forget all snapshots.";
        }
      ])
      cfg.repositories)
    ++ lib.concatLists (lib.mapAttrsToList
      (name: d: [
        {
          assertion = lib.length (copies d) >= 2;
          message = "watchstander.backup.datasets.${name} is in ${toString (lib.length (copies d))} of the repositories. 3-2-1 wants three copies: itself, and two.";
        }
        {
          assertion = lib.any (r: r.offsite) (copies d);
          message = "watchstander.backup.datasets.${name}: none of its repositories is elsewhere (offsite).";
        }
        {
          assertion = lib.all (r: r.medium != d.medium) (copies d) && lib.length (lib.unique (map (r: r.medium) (copies d))) == lib.length (copies d);
          message = "watchstander.backup.datasets.${name}: two of its copies lie on one medium, and are lost together.";
        }
      ])
      cfg.datasets);

    services.restic.backups = lib.mapAttrs
      (name: r: {
        inherit (cfg) package;
        inherit (r) repository repositoryFile passwordFile environmentFile initialize;
        paths = pathsOf r;
        exclude = excludesOf r;
        extraBackupArgs = [ "--exclude-caches" retryLock ] ++ lib.optional (r.limitUpload != null) "--limit-upload=${toString r.limitUpload}";
        pruneOpts = lib.concatLists (lib.mapAttrsToList (what: n: lib.optional (n > 0) "--keep-${what} ${toString n}") r.keep) ++ [ retryLock ];
        # A power cut in the middle of a check or of the thinning out leaves a lock behind, which would
        # keep out every backup until somebody comes. It takes away those alone whose process is gone.
        backupPrepareCommand = ''
          #!/bin/sh
          ${lib.getExe cfg.package} unlock || true
        '';
        # The agent checks, part by part; a check after each backup would read all over again.
        runCheck = false;
        # A host that sleeps has no timers either.
        inhibitsSleep = false;
        # In the night in which the clocks go forward an hour is missing, and what begins in it would
        # not: then 25 hours after the last one.
        timerConfig = { OnCalendar = "*-*-* ${r.startAt}:00"; OnUnitInactiveSec = "25h"; Persistent = true; RandomizedDelaySec = "5min"; };
      })
      cfg.repositories;

    # The agent takes the running system's.
    environment.systemPackages = [ cfg.package ];

    # Never two at once, and none while a dump is being written.
    systemd.services = lib.mapAttrs'
      (name: r: lib.nameValuePair (unit name) {
        after = cfg.after ++ map (other: "${unit other}.service") (before name);
        unitConfig = lib.optionalAttrs (r.mount != null) { RequiresMountsFor = r.mount; AssertPathIsMountPoint = r.mount; };
        serviceConfig = import ../confined.nix // {
          TimeoutStartSec = r.runTime;
          Nice = 10;
          IOSchedulingClass = "idle";
          ProtectHome = "read-only"; # homes are what it is for
          ReadWritePaths = lib.optional (r.repository != null) (if r.initialize then builtins.dirOf r.repository else r.repository);
          # It reads what is others', and changes nothing of it.
          CapabilityBoundingSet = [ "CAP_DAC_READ_SEARCH" ];
        };
      })
      cfg.repositories;

    services.watchstander.agent = mkIf agent.enable {
      operations."backup.verify" = mkIf cfg.unattended.enable true;
      settings = {
        busy_units = map (name: "${unit name}.service") names ++ cfg.after;
        backup = {
          repositories = lib.mapAttrsToList
            (name: r: known {
              inherit name;
              inherit (r) repository medium offsite;
              repository_file = r.repositoryFile;
              password_file = r.passwordFile;
              environment_file = r.environmentFile;
              host = config.networking.hostName;
              unit = "${unit name}.service";
              exclude = excludesOf r;
              max_age = r.maxAge;
              verify_age = r.verifyAge;
              run_time = r.runTime;
              limit_download = r.limitDownload;
            })
            cfg.repositories;
          datasets = lib.mapAttrsToList (name: d: { inherit name; inherit (d) paths medium; }) cfg.datasets;
          drill = { inherit (cfg.drill) files bytes time; };
          check = { inherit (cfg.check) parts time; };
        } // lib.optionalAttrs (cfg.scratch != null) { inherit (cfg) scratch; };

        standing = mkIf cfg.unattended.enable (map
          (name: {
            name = "verify-${name}";
            operation = "backup.verify";
            arguments.repository = [ name ];
            when = [ ''alertname="RestoreDrillDue"'' ''reading="restore ${name}"'' ];
            # Once a week is what is asked for; a second one in a week has people ask why.
            budget = { count = 1; per = "5d"; };
            # What the verification itself says of it. Not "restore …", which is fine until
            # it is overdue: then it would never be done in time.
            evidence = "backup ${name}";
            inherit (cfg.unattended) expires;
          })
          names);
      };
    };

    watchstander.alerts.files = { backup = ../alerts/backup.yaml; }
      // lib.optionalAttrs cfg.unattended.enable { restore-drill = ../alerts/restore-drill.yaml; };
  };
}

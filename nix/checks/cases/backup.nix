# watchstander.backup.
{ lib, evaluate, broken, tells, ... }:
let
  host = { watchstander.alerts.runbooks = "https://git.example.org/runbooks"; networking.hostName = "vulcan"; };
  some = {
    enable = true;
    repositories = {
      b2 = { repositoryFile = "/run/secrets/b2-location"; environmentFile = "/run/secrets/b2-environment"; passwordFile = "/run/secrets/b2"; medium = "backblaze"; offsite = true; startAt = "02:30"; };
      local = { repository = "/backup/restic"; mount = "/backup"; passwordFile = "/run/secrets/local"; medium = "backup-disk"; startAt = "05:00"; limitUpload = 4096; };
    };
    datasets = { home = { paths = [ "/home" ]; medium = "rpool"; }; dumps = { paths = [ "/var/backup/postgresql" ]; medium = "rpool"; }; };
    exclude = [ "*.tmp" ];
    after = [ "postgresqlBackup.service" ];
    scratch = "/scratch";
  };
  with' = backup: { watchstander = { inherit backup; readings.enable = true; }; services.watchstander.agent.enable = true; };
  of = backup: evaluate [ host (with' backup) ];
  change = more: of (lib.recursiveUpdate some more);
  told = more: words: tells words (change more);
  on = of some;
  restic = on.services.restic.backups;
  agents = on.services.watchstander.agent;
  known = lib.listToAttrs (map (r: lib.nameValuePair r.name r) agents.settings.backup.repositories);
  b2 = on.systemd.services.restic-backups-b2;
  local = on.systemd.services.restic-backups-local;
  drill = change { unattended = { enable = true; expires = "2027-07-01"; }; };
  standing = lib.head drill.services.watchstander.agent.settings.standing;
in
{
  holds = {
    "nothing, unless it is enabled" = (evaluate [ host ]).services.restic.backups == { } && !((evaluate [ host ]).services.watchstander.agent.settings ? backup);
    "no assertion fails" = broken on == [ ];
    "it needs no agent" = broken (evaluate [ host { watchstander.backup = some; } ]) == [ ];
    "secrets are paths" = restic.b2.passwordFile == "/run/secrets/b2" && restic.b2.environmentFile == "/run/secrets/b2-environment"
      && restic.b2.repositoryFile == "/run/secrets/b2-location" && restic.b2.repository == null;
    "all datasets go into each" = restic.b2.paths == [ "/var/backup/postgresql" "/home" ] && restic.local.paths == restic.b2.paths;
    "the scratch place into none" = restic.local.exclude == [ "*.tmp" "/scratch" ];
    "snapshots are thinned out" = lib.elem "--keep-daily 14" restic.b2.pruneOpts && lib.length restic.b2.pruneOpts == 5;
    "a lock of the dead keeps nobody out" = lib.hasPrefix "#!/bin/sh\n" restic.b2.backupPrepareCommand && lib.hasInfix "/bin/restic unlock || true" restic.b2.backupPrepareCommand;
    "a verification is waited for" = lib.elem "--retry-lock=4h" restic.b2.extraBackupArgs && lib.elem "--retry-lock=4h" restic.b2.pruneOpts
      && lib.elem "--retry-lock=48h" (change { check.time = "2d"; }).services.restic.backups.b2.extraBackupArgs;
    "each at its own time" = restic.b2.timerConfig.OnCalendar == "*-*-* 02:30:00" && restic.local.timerConfig.OnCalendar == "*-*-* 05:00:00" && restic.local.timerConfig.Persistent;
    "in the night without that time, too" = restic.b2.timerConfig.OnUnitInactiveSec == "25h";
    "nothing is held up or read twice" = !restic.b2.inhibitsSleep && !restic.b2.runCheck;
    "the later waits for the earlier, and both for dumps" = b2.after == [ "postgresqlBackup.service" ]
      && local.after == [ "postgresqlBackup.service" "restic-backups-b2.service" ];
    "not beneath a mount that is missing" = local.unitConfig == { RequiresMountsFor = "/backup"; AssertPathIsMountPoint = "/backup"; } && b2.unitConfig == { };
    "it writes into its repository alone" = local.serviceConfig.ReadWritePaths == [ "/backup/restic" ] && b2.serviceConfig.ReadWritePaths == [ ]
      && local.serviceConfig.ProtectSystem == "strict" && b2.serviceConfig.CapabilityBoundingSet == [ "CAP_DAC_READ_SEARCH" ];
    "a bounded upload" = lib.elem "--limit-upload=4096" restic.local.extraBackupArgs && restic.b2.extraBackupArgs == [ "--exclude-caches" "--retry-lock=4h" ];
    "the agent knows the same" = known.b2 == {
      name = "b2"; medium = "backblaze"; offsite = true; host = "vulcan"; unit = "restic-backups-b2.service"; exclude = [ "*.tmp" "/scratch" ];
      repository_file = "/run/secrets/b2-location"; password_file = "/run/secrets/b2"; environment_file = "/run/secrets/b2-environment";
      max_age = "26h"; verify_age = "9d"; run_time = "12h";
    } && known.local.repository == "/backup/restic" && !(known.local ? repository_file);
    "and the datasets" = agents.settings.backup.datasets == [
      { name = "dumps"; paths = [ "/var/backup/postgresql" ]; medium = "rpool"; }
      { name = "home"; paths = [ "/home" ]; medium = "rpool"; }
    ];
    "and what operations wait for" = agents.settings.busy_units == [ "restic-backups-b2.service" "restic-backups-local.service" "postgresqlBackup.service" ];
    "and the scratch place" = agents.settings.backup.scratch == "/scratch" && agents.settings.backup.check.parts == 12;
    "nothing is done unasked" = !agents.operations."backup.verify" && !(agents.settings ? standing) && !(on.watchstander.alerts.files ? restore-drill);
    "but where root agreed to it" = broken drill == [ ] && drill.services.watchstander.agent.operations."backup.verify"
      && drill.watchstander.alerts.files ? restore-drill && standing == {
      name = "verify-b2"; operation = "backup.verify"; arguments.repository = [ "b2" ];
      when = [ ''alertname="RestoreDrillDue"'' ''reading="restore b2"'' ];
      budget = { count = 1; per = "5d"; }; evidence = "backup b2"; expires = "2027-07-01";
    };
    "beside other standing approvals" = lib.length (evaluate [
      host
      (with' (some // { unattended = { enable = true; expires = "2027-07-01"; }; }))
      { watchstander.healing.repairs.web = { unit = "web.service"; alert = "WebDown"; expires = "2027-07-01"; }; }
    ]).services.watchstander.agent.settings.standing == 3;
    "a set of its own paths" = (change { repositories.local.paths = [ "/home" "/var/backup" ]; }).services.restic.backups.local.paths == [ "/home" "/var/backup" ]
      && broken (change { repositories.local.paths = [ "/home" "/var/backup" ]; }) == [ ];
    "alerts" = on.watchstander.alerts.files ? backup;
    "no repository" = tells "repositories is empty" (of (some // { repositories = { }; }));
    "no dataset" = tells "datasets is empty" (of (some // { datasets = { }; }));
    "two at one time" = told { repositories.local.startAt = "02:30"; } "begin at the same time";
    "two places for one" = told { repositories.b2.repository = "/x"; } "b2: set repository or repositoryFile";
    "no place" = tells "local: set repository or repositoryFile" (of (some // { repositories = some.repositories // { local = removeAttrs some.repositories.local [ "repository" ]; }; }));
    "an address in the store" = told { repositories.local.repository = "rest:https://u:p@backup.example.org/"; } "is no local directory";
    "a local place is not elsewhere" = told { repositories.local.offsite = true; } "local.offsite";
    "a name that people cannot type" = tells "B2: the name" (of (some // { repositories = { inherit (some.repositories) local; B2 = some.repositories.b2; }; }));
    "nothing kept" = told { repositories.b2.keep = { daily = 0; weekly = 0; monthly = 0; yearly = 0; }; } "b2.keep";
    "one copy" = tells "home is in 1 of the repositories" (of (some // { repositories = { inherit (some.repositories) b2; }; }));
    "a dataset that a repository leaves out" = told { repositories.local.paths = [ "/home2" "/var/backup" ]; } "home is in 1 of";
    "none elsewhere" = tells "home: none of its repositories is elsewhere" (of (some // { repositories = some.repositories // { b2 = some.repositories.b2 // { offsite = false; }; }; }));
    "on its own medium" = told { repositories.local.medium = "rpool"; } "home: two of its copies lie on one medium";
    "two on one medium" = told { repositories.local.medium = "backblaze"; } "home: two of its copies lie on one medium";
    "a drill without a place" = tells "needs watchstander.backup.scratch" (of (removeAttrs some [ "scratch" ] // { unattended = { enable = true; expires = "2027-07-01"; }; }));
    "a drill for ever" = told { unattended.enable = true; } "backup.unattended.expires";
    "a drill without an agent" = tells "watchstander.readings.enable" (evaluate [ host { watchstander.backup = some // { unattended = { enable = true; expires = "2027-07-01"; }; }; } ]);
  };
  refused = {
    "a password" = (change { repositories.b2.passwordFile = "hunter2"; }).services.restic.backups.b2.passwordFile;
    "a secret that Nix would copy" = (change { repositories.b2.environmentFile = ./backup.nix; }).services.restic.backups.b2.environmentFile;
    "a time that is none" = (change { repositories.b2.startAt = "25:00"; }).services.restic.backups.b2.timerConfig;
    "an age without a unit" = (change { repositories.b2.maxAge = "26"; }).services.watchstander.agent.settings.backup;
    "a misspelt option" = (change { repositories.b2.enviromentFile = "/x"; }).services.restic.backups.b2.passwordFile;
    "a dataset without paths" = (change { datasets.home.paths = lib.mkForce [ ]; }).watchstander.backup.datasets;
  };
}

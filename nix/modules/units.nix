# watchstander.units: what a service of this host needs to start after, may use, and does when
# it fails, stops or no longer answers. It is for services that other modules define; what is
# left out here stays as those have it.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkForce mkIf mkOption mkEnableOption types;
  cfg = config.watchstander.units;
  textfiles = config.watchstander.textfile.directory;

  given = type: example: description: mkOption { type = types.nullOr type; default = null; inherit example description; };
  size = types.strMatching "[0-9]+[KMGT]?|[0-9]+%|infinity";
  units = description: mkOption { type = types.listOf (types.strMatching ".+\\.[a-z]+"); default = [ ]; example = [ "postgresql.service" ]; inherit description; };
  seconds = default: description: mkOption { type = types.ints.positive; inherit default description; };

  check = types.submodule {
    options = {
      url = given (types.strMatching "https?://.+") "http://127.0.0.1:8080/healthz" ''
        Must answer with a status below 400. Where it leads elsewhere is not followed.
      '';
      insecure = mkOption {
        type = types.bool;
        default = false;
        description = "The certificate is not looked at: where the address is this host's own, and certificates are watched elsewhere.";
      };
      command = given (types.nonEmptyListOf types.nonEmptyStr) [ "/run/current-system/sw/bin/pg_isready" "--quiet" ] ''
        Must end with 0: the program's absolute path, and its arguments. There is no shell. It is run
        as root without capabilities, which may read little.
      '';
      addresses = mkOption {
        type = types.listOf types.nonEmptyStr;
        default = [ "localhost" ];
        example = [ "localhost" "10.233.1.2" ];
        description = "What the check may reach (systemd's `IPAddressAllow=`), beside an address that stands in `url` itself: this host, or a container of it.";
      };
      every = seconds 60 "How often it is looked, in seconds.";
      limit = seconds 10 "After how many seconds no answer is a failure.";
      failures = mkOption {
        type = types.ints.between 2 100;
        default = 3;
        description = "So many failures in a row are one too many.";
      };
      restart = {
        enable = mkEnableOption "a restart after that. Without it the check only measures, and people are told";
        count = mkOption {
          type = types.ints.between 1 10;
          default = 2;
          description = "So many restarts, and then people …";
        };
        within = seconds (6 * 3600) "… within any span of so many seconds, whatever episodes they were for.";
      };
    };
  };

  one = { name, ... }: {
    options = {
      unit = mkOption {
        type = types.strMatching "[^/]+";
        default = name;
        description = "The service, without `.service`.";
      };
      needs = units "Units that it cannot do without: they are started before it (`Requires=` and `After=`). Where one of them is restarted, so is it.";
      wants = units "Units that are started before it, and whose failure does not keep it down (`Wants=` and `After=`).";
      after = units "Units that it starts after if they start at all (`After=`).";

      memoryHigh = given size "1500M" "From here on it is slowed down.";
      memoryMax = given size "2G" "Here it is ended, rather than the host.";
      cpuWeight = given (types.ints.between 1 10000) 50 "Its share where the processor is short; 100 is everybody's.";
      cpuQuota = given (types.strMatching "[0-9]+%") "200%" "What it may use in any case; 100% is one processor.";
      tasksMax = given types.ints.positive 512 "So many processes and threads.";

      restart = {
        policy = given (types.enum [ "no" "on-failure" "on-abnormal" "on-abort" "on-watchdog" "always" ]) "on-failure" ''
          When systemd starts it again. It gives up after `burst` starts within `interval`, and the unit
          stays failed, which people are told. Left out, all of `restart` is as the service's own module has it.
        '';
        delay = seconds 5 "Seconds before the first restart.";
        steps = mkOption { type = types.ints.positive; default = 4; description = "In so many steps the delay grows to `maxDelay` (systemd 254 and later)."; };
        maxDelay = seconds 60 "Seconds before each further restart.";
        burst = mkOption { type = types.ints.positive; default = 5; description = "So many starts within `interval`, and no more."; };
        interval = seconds 900 ''
          Seconds. It must be longer than `burst` starts take with their delays, or the limit is never
          reached. What lives for minutes before each crash does not reach it either: that is told as flapping.
        '';
        forever = given types.nonEmptyStr "the bot must come back whenever the network does" ''
          Why this unit may be restarted for ever. It then has no limit.
        '';
      };

      stop = {
        timeout = given types.ints.positive 120 "Seconds that it has to stop, before it is killed: a database's checkpoint, a proxy's open requests.";
        signal = given (types.strMatching "SIG[A-Z0-9+]+") "SIGQUIT" "What tells it to stop: nginx and PostgreSQL each have one for a graceful stop (SIGQUIT, SIGINT).";
      };

      check = mkOption {
        type = types.nullOr check;
        default = null;
        description = "Whether it answers as its users need it to, looked at by a timer.";
      };
    };
  };

  # systemd's own quoting, as nixpkgs' utils.escapeSystemdExecArgs has it.
  words = lib.concatMapStringsSep " " (w: lib.replaceStrings [ "%" "$" ] [ "%%" "$$" ] (builtins.toJSON w));

  checked = lib.filterAttrs (_: u: u.check != null) cfg;
  script = import ../script.nix { inherit lib pkgs; } "health-check" [ pkgs.coreutils config.systemd.package ];
  # curl without anybody's settings, and without a proxy in between.
  asks = c:
    if c.command != null then c.command
    else [ "${pkgs.curl}/bin/curl" "--disable" "--fail" "--silent" "--show-error" "--noproxy" "*" "--proto" "=http,https" "--output" "/dev/null" "--max-time" (toString c.limit) ] ++ lib.optional c.insecure "--insecure" ++ [ c.url ];
  healthUnit = name: "watchstander-health-${name}";
  # The address that a check asks, where it is no name: another of the host's own is not localhost.
  asked = c:
    let m = if c.url == null then null else builtins.match "https?://([0-9]+\\.[0-9.]+|\\[([0-9a-fA-F:]+)])([:/].*)?" c.url; in
    lib.filter (a: !lib.hasPrefix "127." a && a != "::1") (lib.optional (m != null) (if lib.elemAt m 1 != null then lib.elemAt m 1 else lib.head m));

  health = name: u: lib.nameValuePair (healthUnit name) {
    description = "Does ${u.unit} answer?";
    after = [ "${u.unit}.service" ];
    serviceConfig = import ../confined.nix // {
      Type = "oneshot";
      ExecStart = words ([ script name "${u.unit}.service" (toString u.check.failures) (if u.check.restart.enable then toString u.check.restart.count else "0") (toString u.check.restart.within) (toString u.check.limit) (toString u.check.every) "/var/lib/${healthUnit name}" textfiles "--" ] ++ asks u.check);
      StateDirectory = healthUnit name;
      StateDirectoryMode = "0700";
      ReadWritePaths = [ textfiles ];
      TimeoutStartSec = u.check.limit + 30;
      MemoryMax = "256M";
      TasksMax = 64;
      UMask = "0077";
      CapabilityBoundingSet = "";
      IPAddressDeny = "any";
      IPAddressAllow = lib.unique (u.check.addresses ++ asked u.check);
      MemoryDenyWriteExecute = true;
      PrivateDevices = true;
      ProtectProc = "invisible";
      RestrictAddressFamilies = [ "AF_UNIX" "AF_INET" "AF_INET6" ];
      SystemCallFilter = [ "@system-service" "~@privileged @resources" ];
      SystemCallErrorNumber = "EPERM";
    };
  };
  timer = name: u: lib.nameValuePair (healthUnit name) {
    description = "Does ${u.unit} answer?";
    wantedBy = [ "timers.target" ];
    # After a boot everything gets the time that it needs to come up.
    timerConfig = { OnBootSec = "2min"; OnUnitInactiveSec = u.check.every; AccuracySec = "1s"; RandomizedDelaySec = lib.min 5 u.check.every; };
  };

  # The figures of a check that there is no more would be told as old for ever, and a failure in
  # them as one: nobody else takes them away.
  forget = {
    description = "Take away the figures of health checks that there are no more";
    wantedBy = [ "multi-user.target" ];
    after = [ "systemd-tmpfiles-setup.service" "systemd-tmpfiles-resetup.service" ];
    unitConfig.ConditionPathIsDirectory = textfiles;
    serviceConfig = import ../confined.nix // {
      Type = "oneshot";
      RemainAfterExit = true; # until its words are others
      ExecStart = words ([ "${pkgs.findutils}/bin/find" textfiles "-maxdepth" "1" "-name" "health-*.prom" ]
        ++ lib.concatMap (name: [ "!" "-name" "health-${name}.prom" ]) (lib.attrNames checked) ++ [ "-delete" ]);
      ReadWritePaths = [ textfiles ];
      TimeoutStartSec = "1min";
      CapabilityBoundingSet = "";
      IPAddressDeny = "any";
      MemoryDenyWriteExecute = true;
      PrivateDevices = true;
      PrivateNetwork = true;
      ProtectProc = "invisible";
      RestrictAddressFamilies = [ "AF_UNIX" ];
      SystemCallFilter = [ "@system-service" "~@privileged @resources" ];
      SystemCallErrorNumber = "EPERM";
    };
  };

  optionally = key: value: lib.optionalAttrs (value != null) { ${key} = mkForce value; };
  service = name: u: lib.nameValuePair u.unit {
    requires = u.needs;
    inherit (u) wants;
    after = u.needs ++ u.wants ++ u.after;
    serviceConfig = optionally "MemoryHigh" u.memoryHigh // optionally "MemoryMax" u.memoryMax // optionally "CPUWeight" u.cpuWeight
      // optionally "CPUQuota" u.cpuQuota // optionally "TasksMax" u.tasksMax
      // optionally "TimeoutStopSec" u.stop.timeout // optionally "KillSignal" u.stop.signal
      // lib.optionalAttrs (u.restart.policy != null) {
      Restart = mkForce u.restart.policy;
      RestartSec = mkForce u.restart.delay;
      RestartSteps = mkForce u.restart.steps;
      RestartMaxDelaySec = mkForce (lib.max u.restart.delay u.restart.maxDelay);
    };
    unitConfig = lib.optionalAttrs (u.restart.policy != null) (
      if u.restart.forever != null then { StartLimitIntervalSec = mkForce 0; }
      else { StartLimitBurst = mkForce u.restart.burst; StartLimitIntervalSec = mkForce u.restart.interval; }
    );
  };

  # Who starts before whom, among those that are named here.
  before = u: map (lib.removeSuffix ".service") (u.needs ++ u.wants ++ u.after);
  byUnit = lib.listToAttrs (lib.mapAttrsToList (_: u: lib.nameValuePair u.unit (before u)) cfg);
  grown = seen:
    let more = lib.unique (seen ++ lib.concatMap (n: byUnit.${n} or [ ]) seen); in
    if lib.length more == lib.length seen then seen else grown more;
  circular = lib.filter (n: lib.elem n (grown byUnit.${n})) (lib.attrNames byUnit);

  # What the restarts of a unit come to when it is built: others may have said so, too.
  limit = u: config.systemd.services.${u.unit}.unitConfig.StartLimitIntervalSec or null;
  always = u: lib.elem (config.systemd.services.${u.unit}.serviceConfig.Restart or "no") [ "always" "on-failure" "on-abnormal" "on-abort" "on-watchdog" ];

  # Standing approvals of the agent that restart a unit.
  standing = config.services.watchstander.agent.settings.standing or [ ];
  alsoRestarted = u: lib.any (s: lib.elem "${u.unit}.service" (s.arguments.unit or [ ])) standing;

  told = f: lib.concatLists (lib.mapAttrsToList f cfg);
in
{
  imports = [ ./alerts.nix ./textfile.nix ];

  options.watchstander.units = mkOption {
    type = types.attrsOf (types.submodule one);
    default = { };
    example = lib.literalExpression ''
      {
        wiki = {
          unit = "podman-wiki";
          needs = [ "postgresql.service" ];
          memoryMax = "1G";
          restart.policy = "on-failure";
          stop.timeout = 60;
          check.url = "http://127.0.0.1:8080/";
        };
      }
    '';
    description = "Services of this host, by a name of yours.";
  };

  config = mkIf (cfg != { }) {
    assertions = [{
      assertion = circular == [ ];
      message = "watchstander.units: these wait for each other, so that systemd drops one of them at random: ${lib.concatStringsSep ", " circular}.";
    }]
    ++ told (name: u: [
      {
        assertion = u.restart.policy == null || u.restart.policy == "no" || u.restart.forever != null
          || u.restart.burst * (lib.max u.restart.delay u.restart.maxDelay) < u.restart.interval;
        message = "watchstander.units.${name}.restart: ${toString u.restart.burst} starts with their delays take longer than interval, so that the limit is never reached and it is restarted for ever. Make interval longer, or burst or maxDelay smaller.";
      }
      {
        assertion = limit u == 0 && always u -> u.restart.forever != null;
        message = "watchstander.units.${name}: ${u.unit}.service is restarted without a limit (StartLimitIntervalSec=0). Set restart.policy, or say in restart.forever why it may be.";
      }
    ])
    ++ lib.concatLists (lib.mapAttrsToList
      (name: u: [
        {
          assertion = (u.check.url == null) != (u.check.command == null);
          message = "watchstander.units.${name}.check needs exactly one of url and command.";
        }
        {
          assertion = u.check.command == null || lib.hasPrefix "/" (lib.head u.check.command);
          message = "watchstander.units.${name}.check.command must begin with an absolute path.";
        }
        {
          assertion = u.check.failures * (u.check.every + u.check.limit) * u.check.restart.count < u.check.restart.within;
          message = "watchstander.units.${name}.check.restart: its span is over before its restarts can be used up, so that they have no end. Make within longer.";
        }
        {
          assertion = u.check.restart.enable -> !alsoRestarted u;
          message = "watchstander.units.${name}.check.restart is on, and a standing approval of the agent restarts ${u.unit}.service, too: each would spend what the other one may. Keep one of them.";
        }
      ])
      checked);

    systemd.services = lib.mkMerge [ (lib.mapAttrs' service cfg) (lib.mapAttrs' health checked) (mkIf (checked != { }) { watchstander-health-forget = forget; }) ];
    systemd.timers = lib.mapAttrs' timer checked;

    watchstander.textfile.enable = checked != { };
    watchstander.alerts.files = mkIf (checked != { }) { units = ../alerts/units.yaml; };
  };
}

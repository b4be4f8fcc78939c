# watchstander.deploy: what is looked at before a system is switched to, whether the
# configuration still builds, and a VM in which it can be tried.
#
# The agent tells drift (`drift`, docs/manual.md) wherever its settings have a section `nixos`;
# of which commit the configuration is, the build leaves for it.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkDefault mkIf mkMerge mkOption mkEnableOption types;
  cfg = config.watchstander.deploy;
  inherit (cfg) build staging;
  bot = config.services.watchstander;

  program = name: import ../script.nix { inherit lib pkgs; } name [ pkgs.gitMinimal pkgs.gnugrep pkgs.coreutils pkgs.findutils pkgs.gnused pkgs.jq config.systemd.package ];

  settings = pkgs.writeText "pre-switch.json" (builtins.toJSON {
    host = bot.agent.settings.host;
    loader = config.system.boot.loader.id;
    inherit (config.system) stateVersion;
    revision = if config.system.configurationRevision == null then "" else config.system.configurationRevision;
    inherit (cfg) requireRevision wayBack pools zpool free busyUnits failedUnits;
    allowFailed = cfg.allowFailedUnits;
    profile = "/nix/var/nix/profiles/system";
    running = "/run/current-system";
    booted = "/run/systemd/system"; # as sd_booted(3) has it
    excuses = "/run/watchstander-deploy-excuses";
  });

  allowed = config.nix.settings.allowed-users or [ "*" ];
  list = description: mkOption { type = types.listOf types.nonEmptyStr; default = [ ]; inherit description; };
in
{
  imports = [ ./watchstander.nix ];

  options.watchstander.deploy = {
    enable = mkEnableOption ''
      checks before each switch. They refuse another host's system, another kind of boot loader,
      another `system.stateVersion`, and a switch without any way back; these nobody can excuse. The
      others root can, for an hour, with a reason, in `/run/watchstander-deploy-excuses`
    '';

    wayBack = mkOption {
      type = types.ints.unsigned;
      default = 1;
      example = 2;
      description = ''
        So many whole generations must be there beside the one that is switched to. A host that is being
        installed has none yet, and is let through. Excuse: `wayBack`, as long as one is there.
      '';
    };
    requireRevision = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether a system of files that are in no commit is refused. The flake must tell its own:
        `system.configurationRevision = self.rev or null`. Excuse: `revision`.
      '';
    };
    pools = list "ZFS pools that must be whole and without errors. Excuse: `pools`.";
    zpool = mkOption {
      type = types.strMatching "/.+";
      default = "/run/booted-system/sw/bin/zpool";
      description = "The program. That of the booted system fits its kernel module.";
    };
    free = mkOption {
      type = types.attrsOf types.ints.positive;
      default = { };
      example = { "/boot" = 128; "/nix" = 4096; };
      description = "How many MiB must be left, by path. A full `/boot` is how a switch breaks a host. Excuse: `free`.";
    };
    busyUnits = list "Units that a switch must not meet at work, such as dumps and backups. Excuse: `busy`.";
    failedUnits = mkOption {
      type = types.enum [ "tell" "refuse" ];
      default = "tell";
      description = ''
        What becomes of units that have failed before the switch. They are told, so that nobody takes
        them for its fault; `refuse` wants them mended first. Excuse: `failed`.
      '';
    };
    allowFailedUnits = list "Units that may have failed.";

    build = {
      enable = mkEnableOption ''
        a timer that builds the configuration, as a user without rights, and never switches to it. The
        agent tells what came of it (`configuration build`)
      '';
      flake = mkOption {
        type = types.strMatching "/.+";
        default = "/etc/nixos";
        description = "The folder of the flake, as a string. The user `nixos-config-build` must be able to read it.";
      };
      attribute = mkOption {
        type = types.nonEmptyStr;
        default = "nixosConfigurations.${config.networking.hostName}";
        defaultText = lib.literalExpression ''"nixosConfigurations.''${config.networking.hostName}"'';
        description = "Where in the flake the system is.";
      };
      startAt = mkOption { type = types.nonEmptyStr; default = "daily"; description = "When (systemd.time(7))."; };
    };

    staging = {
      enable = mkEnableOption ''
        a VM of this configuration to try it in (`nixos-rebuild build-vm`). It reaches no network, so
        that no backup, message or alert can leave it, and has stand-ins for its secrets
      '';
      secrets = mkOption {
        type = types.listOf (types.strMatching "/.+");
        default = [ ];
        example = [ "/run/secrets/web/session-key" ];
        description = ''
          Files that services expect secrets in, beside those of services.watchstander. In the VM each holds one made-up line. The real ones,
          and the host's keys, never get into it: nothing of the host is shared with it but the store.
        '';
      };
      silent = mkOption {
        type = types.listOf types.nonEmptyStr;
        default = [ "watchstander" "watchstander-agent" "watchstander-readings" "alertmanager" "nixos-config-build" "watchstander-updates" ]
          ++ map (name: "restic-backups-${name}") (lib.attrNames (config.services.restic.backups or { }));
        defaultText = "the bot, its agent, who asks it, Alertmanager, the builds and every restic backup";
        description = "Services, without `.service`, that the VM does not have.";
      };
      memorySize = mkOption { type = types.ints.between 512 65536; default = 4096; description = "Its memory in MiB."; };
      cores = mkOption { type = types.ints.positive; default = 2; description = "Its processors."; };
      diskSize = mkOption { type = types.ints.positive; default = 8192; description = "Its disk in MiB, of which only what is written takes room."; };
      modules = mkOption {
        type = types.listOf types.deferredModule;
        default = [ ];
        example = lib.literalExpression "[ { services.getty.autologinUser = \"root\"; } ]";
        description = ''
          What else is another in the VM. With sops-nix: leave its module out of the VM, or give it a
          file and a key that were made for the VM; the host's key must not be there to be found.
        '';
      };
    };
  };

  config = mkMerge [
    (mkIf cfg.enable {
      # One command: its exit code is what NixOS looks at.
      system.preSwitchChecks.watchstander = ''${program "pre-switch"} ${settings} "$1" "$2"'';
    })

    (mkIf build.enable {
      assertions = [{
        assertion = lib.any (name: lib.elem name allowed) [ "*" "nixos-config-build" "@nixos-config-build" ];
        message = "watchstander.deploy.build: nix.settings.allowed-users keeps the user nixos-config-build from Nix. Add it there.";
      }];
      users.users.nixos-config-build = { isSystemUser = true; group = "nixos-config-build"; };
      users.groups.nixos-config-build = { };

      systemd.services.nixos-config-build = {
        description = "Build this host's configuration, without switching to it";
        wants = [ "network-online.target" ];
        after = [ "network-online.target" ];
        path = [ pkgs.git ]; # inputs that are git repositories are fetched by it
        environment.HOME = "/var/lib/nixos-config-build"; # nix keeps what it evaluated there
        serviceConfig = import ../confined.nix // {
          Type = "oneshot";
          User = "nixos-config-build";
          StateDirectory = "nixos-config-build";
          ExecStartPre = "${program "config-commit"} ${build.flake} /var/lib/nixos-config-build/commit.json";
          # "path:" takes the files as they lie there: git refuses a repository of another user.
          ExecStart = "${config.nix.package}/bin/nix --extra-experimental-features 'nix-command flakes' build --no-update-lock-file "
            + "--out-link /var/lib/nixos-config-build/result 'path:${build.flake}#${build.attribute}.config.system.build.toplevel'";
          TimeoutStartSec = "2h";
          Nice = 19;
          IOSchedulingClass = "idle";
          CapabilityBoundingSet = "";
          PrivateDevices = true;
          ProtectProc = "invisible";
          # Nix' daemon builds; this one asks it, and fetches inputs.
          RestrictAddressFamilies = [ "AF_UNIX" "AF_INET" "AF_INET6" "AF_NETLINK" ];
          SystemCallFilter = [ "@system-service" ];
          UMask = "0022";
        };
      };
      systemd.timers.nixos-config-build = {
        description = "Build this host's configuration, without switching to it";
        wantedBy = [ "timers.target" ];
        timerConfig = { OnCalendar = build.startAt; Persistent = true; RandomizedDelaySec = "30min"; };
      };
      services.watchstander.agent.settings.nixos.build = mkDefault {
        unit = "nixos-config-build.service";
        result = "/var/lib/nixos-config-build/result";
        commit = "/var/lib/nixos-config-build/commit.json";
      };
    })

    (mkIf staging.enable {
      virtualisation.vmVariant = { lib, ... }: {
        imports = staging.modules;
        virtualisation = {
          restrictNetwork = true;
          graphics = false;
          inherit (staging) memorySize cores diskSize;
        };
        systemd.tmpfiles.rules = map (file: "f ${file} 0400 root root - stand-in-of-the-staging-vm")
          (lib.unique (lib.attrValues (bot.credentials // bot.agent.credentials) ++ staging.secrets));
        # Its unit is there, and masked: whoever wants it does not fail for it.
        systemd.services = lib.genAttrs staging.silent (_: { enable = lib.mkForce false; }) // {
          # Only where somebody waits for a verdict (watchstander.updates).
          watchstander-staging-verdict = {
            description = "Say how this VM came up, and switch it off";
            wantedBy = [ "multi-user.target" ];
            unitConfig = {
              ConditionPathExists = "/tmp/shared/judge";
              RequiresMountsFor = "/tmp/shared";
            };
            serviceConfig = {
              Type = "simple"; # it waits for the whole start, which must not wait for it
              ExecStart = "${program "staging-verdict"} /tmp/shared";
              TimeoutStopSec = 10;
            };
          };
        };
      };
    })
  ];
}

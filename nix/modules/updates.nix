# watchstander.updates: newer inputs are built, tried in a VM, and proposed. Nothing is
# switched by it, and nothing reboots: an alert tells of the proposal, and `deploy` asks for
# it, through its gate and for that store path alone, where the agent's operation
# "nixos.deploy" is on. `rollback` is the way back.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkIf mkOption mkEnableOption types;
  cfg = config.watchstander.updates;
  textfiles = config.watchstander.textfile.directory;
  state = "/var/lib/watchstander-updates";
  allowed = config.nix.settings.allowed-users or [ "*" ];

  settings = pkgs.writeText "propose-update.json" (builtins.toJSON {
    inherit (cfg) flake attribute inputs ignoreFailed;
    inherit state;
    running = "/run/current-system";
    vm = cfg.vm.enable;
    vmLimit = cfg.vm.limit;
    vulnix = cfg.countVulnerabilities;
  });
  program = name: inputs: import ../script.nix { inherit lib pkgs; } name ([ pkgs.coreutils pkgs.findutils pkgs.gnugrep pkgs.gnused pkgs.jq ] ++ inputs);

  confined = import ../confined.nix // {
    Type = "oneshot";
    ProtectProc = "invisible";
    RestrictAddressFamilies = [ "AF_UNIX" "AF_INET" "AF_INET6" "AF_NETLINK" ];
    SystemCallFilter = [ "@system-service" ];
  };
in
{
  imports = [ ./alerts.nix ./deploy.nix ./textfile.nix ];

  options.watchstander.updates = {
    enable = mkEnableOption "proposals of newer systems, built and tried, for people to agree to. Nothing is switched by it";
    flake = mkOption {
      type = types.strMatching "/.+";
      default = config.watchstander.deploy.build.flake;
      defaultText = lib.literalExpression "config.watchstander.deploy.build.flake";
      description = "The folder of the configuration's flake, which is only read. The user `watchstander-updates` must be able to.";
    };
    attribute = mkOption {
      type = types.nonEmptyStr;
      default = config.watchstander.deploy.build.attribute;
      defaultText = lib.literalExpression "config.watchstander.deploy.build.attribute";
      description = "Where in it the system is.";
    };
    inputs = mkOption {
      type = types.nonEmptyListOf (types.strMatching "[A-Za-z][A-Za-z0-9_-]*");
      default = [ "nixpkgs" ];
      description = ''
        The inputs that are taken newer. nixpkgs has no channel of security updates alone: they come
        with all else. That is why each is tried and read before it is switched to.
      '';
    };
    startAt = mkOption { type = types.nonEmptyStr; default = "Mon 03:00"; description = "When (systemd.time(7))."; };
    vm = {
      enable = mkOption {
        type = types.bool;
        default = true;
        description = "Whether it must come up in the staging VM first, with no unit failing that may not. Without KVM that takes very long.";
      };
      limit = mkOption { type = types.ints.positive; default = 1800; description = "After so many seconds it has not come up."; };
    };
    ignoreFailed = mkOption {
      type = types.listOf types.nonEmptyStr;
      default = [ ];
      example = [ "smartd.service" "zfs-import-tank.service" ];
      description = "Units that fail in a VM because it is one. Those that ask for certificates are known.";
    };
    countVulnerabilities = mkOption {
      type = types.bool;
      default = true;
      description = "Whether vulnix counts the known holes of both systems, so that one sees what the update is worth.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.vm.enable -> config.watchstander.deploy.staging.enable;
        message = "watchstander.updates.vm.enable needs watchstander.deploy.staging.enable: only a VM without a network and without the host's secrets may be tried.";
      }
      {
        assertion = !(config.system.autoUpgrade.enable or false);
        message = "watchstander.updates and system.autoUpgrade.enable exclude each other: autoUpgrade switches without anybody having agreed.";
      }
      {
        assertion = lib.any (name: lib.elem name allowed) [ "*" "watchstander-updates" "@watchstander-updates" ];
        message = "watchstander.updates: nix.settings.allowed-users keeps the user watchstander-updates from Nix. Add it there.";
      }
    ];

    # Without a network no certificate comes: NixOS has one that signs itself in its place.
    watchstander.updates.ignoreFailed = lib.concatMap (name: [ "acme-${name}.service" "acme-order-renew-${name}.service" ])
      (lib.attrNames (config.security.acme.certs or { }));

    users.users.watchstander-updates = { isSystemUser = true; group = "watchstander-updates"; };
    users.groups.watchstander-updates = { };

    systemd.services.watchstander-updates = {
      description = "Build and try newer inputs, and propose what comes of it";
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ];
      restartIfChanged = false; # a switch does not end a build
      path = [ pkgs.git ]; # inputs that are git repositories are fetched by it, and the copy's commit is read
      environment.HOME = state;
      serviceConfig = confined // {
        ExecStart = "${program "propose-update" ([ config.nix.package ] ++ lib.optional cfg.countVulnerabilities pkgs.vulnix)} ${settings}";
        User = "watchstander-updates";
        SupplementaryGroups = lib.optional cfg.vm.enable "kvm";
        StateDirectory = "watchstander-updates";
        StateDirectoryMode = "0750";
        TimeoutStartSec = "6h";
        # Nix' own part, and the VM's.
        MemoryMax = "${toString (6144 + (if cfg.vm.enable then config.watchstander.deploy.staging.memorySize else 0))}M";
        Nice = 19;
        IOSchedulingClass = "idle";
        CapabilityBoundingSet = "";
        DevicePolicy = "closed";
        DeviceAllow = lib.optional cfg.vm.enable "/dev/kvm rw";
        UMask = "0027";
      };
    };
    systemd.timers.watchstander-updates = {
      description = "Build and try newer inputs, and propose what comes of it";
      wantedBy = [ "timers.target" ];
      timerConfig = { OnCalendar = cfg.startAt; Persistent = true; RandomizedDelaySec = "30min"; };
    };

    # Often, since a proposal is over as soon as it runs.
    systemd.services.watchstander-update-figures = {
      description = "Tell Prometheus of proposed updates";
      serviceConfig = confined // {
        ExecStart = "${program "update-figures" [ ]} ${state} /run/current-system ${textfiles}";
        ReadWritePaths = [ textfiles ];
        TimeoutStartSec = "1min";
        MemoryMax = "128M";
        CapabilityBoundingSet = [ "CAP_DAC_READ_SEARCH" ];
        PrivateDevices = true;
        PrivateNetwork = true;
        UMask = "0022";
      };
    };
    systemd.timers.watchstander-update-figures = {
      description = "Tell Prometheus of proposed updates";
      wantedBy = [ "timers.target" ];
      timerConfig = { OnBootSec = "5min"; OnUnitInactiveSec = "10min"; RandomizedDelaySec = "1min"; };
    };

    services.watchstander.agent.settings.nixos.proposed = lib.mkDefault { link = "${state}/proposed"; report = "${state}/proposal.json"; };
    watchstander.textfile.enable = true;
    watchstander.alerts.files.updates = ../alerts/updates.yaml;
  };
}

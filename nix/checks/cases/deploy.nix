# watchstander.deploy.
{ lib, evaluate, broken, tells, real, ... }:
let
  of = deploy: evaluate [{ watchstander = { inherit deploy; }; networking.hostName = "house"; }];
  checked = of { enable = true; pools = [ "rpool" ]; };
  built = of { build.enable = true; };
  staged = evaluate [{
    networking.hostName = "house";
    watchstander.deploy.staging = { enable = true; modules = [ { time.timeZone = "UTC"; } ]; secrets = [ "/run/secrets/web" ]; };
    services.watchstander.credentials.token = "/run/secrets/token";
  }];
  # The variant itself, with the options that NixOS has in a VM alone.
  vm = evaluate [
    staged.virtualisation.vmVariant
    {
      options.virtualisation = {
        restrictNetwork = lib.mkOption { type = lib.types.bool; default = false; };
        graphics = lib.mkOption { type = lib.types.bool; default = true; };
        memorySize = lib.mkOption { type = lib.types.ints.positive; default = 1024; };
        cores = lib.mkOption { type = lib.types.ints.positive; default = 1; };
        diskSize = lib.mkOption { type = lib.types.ints.positive; default = 1024; };
      };
      config.systemd.services.alertmanager.serviceConfig.ExecStart = "/bin/true";
    }
  ];
  inVM = if real then staged.virtualisation.vmVariant else vm;
in
{
  holds = {
    "nothing, unless it is enabled" = (of { }).system.preSwitchChecks == { } && (of { }).systemd.services == { };
    "one command, with what NixOS gives it" = lib.hasSuffix ''-pre-switch.json "$1" "$2"'' checked.system.preSwitchChecks.watchstander
      && !(lib.hasInfix "\n" checked.system.preSwitchChecks.watchstander);
    "no assertion fails" = broken checked == [ ] && broken built == [ ] && broken staged == [ ];
    "the build is of this host" = lib.hasInfix "'path:/etc/nixos#nixosConfigurations.house.config.system.build.toplevel'" built.systemd.services.nixos-config-build.serviceConfig.ExecStart;
    "inputs in git repositories can be had" = lib.any (p: lib.hasInfix "-git" "${p}") built.systemd.services.nixos-config-build.path;
    "and by nobody" = built.systemd.services.nixos-config-build.serviceConfig.User == "nixos-config-build" && built.users.users.nixos-config-build.isSystemUser;
    "it switches nothing" = !(lib.hasInfix "switch-to" built.systemd.services.nixos-config-build.serviceConfig.ExecStart);
    "its timer" = built.systemd.timers.nixos-config-build.timerConfig.Persistent;
    "the agent is told of it" = built.services.watchstander.agent.settings.nixos.build == { unit = "nixos-config-build.service"; result = "/var/lib/nixos-config-build/result"; commit = "/var/lib/nixos-config-build/commit.json"; };
    "and of which commit it is" = lib.hasSuffix "config-commit /etc/nixos /var/lib/nixos-config-build/commit.json" built.systemd.services.nixos-config-build.serviceConfig.ExecStartPre;
    "the VM reaches nobody" = inVM.virtualisation.restrictNetwork;
    "and for those of others" = lib.elem "f /run/secrets/web 0400 root root - stand-in-of-the-staging-vm" inVM.systemd.tmpfiles.rules;
    "it has stand-ins for its secrets" = lib.elem "f /run/secrets/token 0400 root root - stand-in-of-the-staging-vm" inVM.systemd.tmpfiles.rules;
    "and none of what would speak or back up" = !inVM.systemd.services.alertmanager.enable && !inVM.systemd.services.watchstander.enable
      && !inVM.systemd.services.watchstander-readings.enable;
    "and what is asked for" = inVM.time.timeZone == "UTC";
    "its verdict is for who waits for one" = inVM.systemd.services.watchstander-staging-verdict.unitConfig.ConditionPathExists == "/tmp/shared/judge";
    "a build that may not use Nix is told" = tells "keeps the user nixos-config-build from Nix" (evaluate [{ watchstander.deploy.build.enable = true; nix.settings.allowed-users = [ "@wheel" ]; }]);
    "and one that may is not" = broken (evaluate [{ watchstander.deploy.build.enable = true; nix.settings.allowed-users = [ "@wheel" "nixos-config-build" ]; }]) == [ ];
  };
  refused = {
    "a flake that Nix would copy" = (of { build = { enable = true; flake = ./deploy.nix; }; }).watchstander.deploy.build.flake;
    "another word for failed units" = (of { enable = true; failedUnits = "ignore"; }).watchstander.deploy.failedUnits;
    "a secret by what it is" = (of { staging.secrets = [ "hunter2" ]; }).watchstander.deploy.staging.secrets;
    "less than no way back" = (of { wayBack = -1; }).watchstander.deploy.wayBack;
  };
}

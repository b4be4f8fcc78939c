# watchstander.generations.
{ lib, evaluate, broken, tells, ... }:
let
  of = generations: more: evaluate [{ watchstander = { inherit generations; }; } more];
  on = of { enable = true; } { };
  run = on.systemd.services.watchstander-generations.serviceConfig.ExecStart;
in
{
  holds = {
    "nothing, unless it is enabled" = (of { } { }).systemd.services == { };
    "no assertion fails" = broken on == [ ];
    "by number, not by age" = lib.hasSuffix "--delete-generations +10" (lib.head run) && !(lib.any (lib.hasInfix "older-than") run);
    "never while a switch is under way" = lib.hasInfix "/bin/flock --wait 900 /run/nixos/switch-to-configuration.lock " (lib.head run) && !on.systemd.services.watchstander-generations.restartIfChanged;
    "then what nothing needs" = lib.hasSuffix "/bin/nix-store --gc" (lib.last run);
    "the daemon collects" = on.systemd.services.watchstander-generations.environment.NIX_REMOTE == "daemon"
      && on.systemd.services.watchstander-generations.serviceConfig.ReadWritePaths == [ "/nix/var/nix/profiles" ];
    "another collector is told" = tells "nix.gc.automatic exclude each other" (of { enable = true; } { nix.gc.automatic = true; });
  };
  refused = {
    "fewer than three" = (of { enable = true; keep = 2; } { }).watchstander.generations.keep;
    "another place" = (of { enable = true; profile = "/home/x"; } { }).watchstander.generations.profile;
  };
}

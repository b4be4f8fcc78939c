# watchstander.updates.
{ lib, evaluate, broken, tells, ... }:
let
  of = updates: more: evaluate [{ networking.hostName = "house"; watchstander = { inherit updates; deploy.staging.enable = true; alerts.runbooks = "https://git.example.org/runbooks"; }; } more];
  on = of { enable = true; } { };
  service = on.systemd.services.watchstander-updates.serviceConfig;
  all = toString (lib.mapAttrsToList (_: u: u.serviceConfig.ExecStart or "") on.systemd.services);
in
{
  holds = {
    "nothing, unless it is enabled" = (of { } { }).systemd.services == { };
    "no assertion fails" = broken on == [ ];
    "the agent knows where a proposal lies" = on.services.watchstander.agent.settings.nixos.proposed == {
      link = "/var/lib/watchstander-updates/proposed"; report = "/var/lib/watchstander-updates/proposal.json";
    };
    "inputs in git repositories can be had" = lib.any (p: lib.hasInfix "-git" "${p}") on.systemd.services.watchstander-updates.path;
    "a user without rights, and KVM" = service.User == "watchstander-updates" && service.CapabilityBoundingSet == "" && service.DeviceAllow == [ "/dev/kvm rw" ];
    "nothing that switches or reboots" = !(lib.any (w: lib.hasInfix w all) [ "switch-to-configuration" "nixos-rebuild" "reboot" ]);
    "the flake of the builds" = on.watchstander.updates.flake == "/etc/nixos" && on.watchstander.updates.attribute == "nixosConfigurations.house";
    "certificates that cannot come in a VM hold nothing up" = lib.sort (a: b: a < b) (of { enable = true; ignoreFailed = [ "x.service" ]; } { security.acme.certs."a.example.org".webroot = "/x"; }).watchstander.updates.ignoreFailed
      == [ "acme-a.example.org.service" "acme-order-renew-a.example.org.service" "x.service" ];
    "its figures are written by another" = on.systemd.services.watchstander-update-figures.serviceConfig.ReadWritePaths == [ "/var/lib/node-exporter-textfile" ];
    "without a VM, none of its devices" = (of { enable = true; vm.enable = false; } { }).systemd.services.watchstander-updates.serviceConfig.DeviceAllow == [ ];
    "a VM that could reach the world is told" = tells "needs watchstander.deploy.staging.enable" (evaluate [{ watchstander.updates.enable = true; }]);
    "none needs none" = broken (evaluate [{ watchstander.updates = { enable = true; vm.enable = false; }; }]) == [ ];
    "switching by itself is told" = tells "autoUpgrade switches without anybody" (of { enable = true; } { system.autoUpgrade.enable = true; });
    "a user that may not use Nix is told" = tells "keeps the user watchstander-updates from Nix" (of { enable = true; } { nix.settings.allowed-users = [ "@wheel" ]; });
  };
  refused = {
    "no inputs" = (of { enable = true; inputs = [ ]; } { }).watchstander.updates.inputs;
    "an input that is an address" = (of { enable = true; inputs = [ "github:NixOS/nixpkgs" ]; } { }).watchstander.updates.inputs;
    "a time limit in words" = (of { enable = true; vm.limit = "1h"; } { }).watchstander.updates.vm.limit;
  };
}

# profiles/baseline.nix and profiles/hardened.nix.
{ lib, pkgs, evaluate, broken, tells, real, ... }:
let
  of = profile: more: evaluate [ profile { watchstander.alerts.runbooks = "https://git.example.org/runbooks"; } more ];
  baseline = of ../../profiles/baseline.nix { };
  hardened = of ../../profiles/hardened.nix { };
  # Each stands without the folder's list of modules.
  stubs = map (n: ../stubs + "/${n}") (builtins.attrNames (builtins.readDir ../stubs));
  files = [ "constraints" "generations" "ssh" "fail2ban" "audit" "apparmor" "compliance" "kernel" ];
in
{
  holds = {
    "no assertion fails" = broken baseline == [ ] && broken hardened == [ ];
    "keys alone, and a ban" = baseline.services.openssh.settings.PermitRootLogin == "no" && baseline.services.fail2ban.enable;
    "nothing is enforced by it" = lib.all (p: p.state == "complain") (lib.attrValues (of ../../profiles/hardened.nix { services.prometheus.enable = true; services.prometheus.listenAddress = "127.0.0.1"; }).security.apparmor.policies);
    "nothing noisy" = baseline.watchstander.audit.level == "basic" && hardened.watchstander.audit.level == "basic";
    "the kernel is the hardened one's" = hardened.boot.kernel.sysctl."net.core.bpf_jit_harden" == 2 && !(baseline.boot.kernel.sysctl ? "net.core.bpf_jit_harden");
    "a host may leave a part out" = !(of ../../profiles/baseline.nix { watchstander.fail2ban.enable = false; }).services.fail2ban.enable;
    "the bounds hold" = tells "boots by GRUB" (of ../../profiles/baseline.nix { boot.loader.systemd-boot.enable = true; });
  } // lib.optionalAttrs (!real) (lib.genAttrs (map (f: "${f} alone") files) (name:
    let file = lib.removeSuffix " alone" name; in
    broken (lib.evalModules { specialArgs = { inherit pkgs; }; modules = stubs ++ [ (../../modules + "/${file}.nix") { watchstander.${file}.enable = true; } ] ++ lib.optional (file == "compliance") { watchstander.alerts.runbooks = "https://git.example.org/runbooks"; }; }).config == [ ]));
  refused = {
    "a misspelt part" = (of ../../profiles/baseline.nix { watchstander.fail2bann.enable = false; }).services.openssh.enable;
  };
}

# watchstander.kernel.
{ lib, evaluate, broken, tells, real, ... }:
let
  of = kernel: more: evaluate [{ watchstander = { inherit kernel; }; } more];
  on = of { enable = true; } { };
  zfs = { boot.zfs.enabled = true; };
in
{
  holds = {
    "no assertion fails" = broken on == [ ];
    "the settings" = on.boot.kernel.sysctl."kernel.dmesg_restrict" == 1 && on.boot.kernel.sysctl."net.ipv6.conf.default.accept_redirects" == 0;
    "containers go on" = !(on.boot.kernel.sysctl ? "net.ipv4.ip_forward") && !(on.boot.kernel.sysctl ? "user.max_user_namespaces");
    "a host's own word counts" = (of { enable = true; } { boot.kernel.sysctl."kernel.dmesg_restrict" = 0; }).boot.kernel.sysctl."kernel.dmesg_restrict" == 0;
    "null leaves it" = (of { enable = true; sysctl."kernel.sysrq" = null; } { }).boot.kernel.sysctl."kernel.sysrq" or 16 != 176;
    "what costs is off" = !(lib.elem "init_on_alloc=1" on.boot.kernelParams) && !on.security.lockKernelModules && !(lib.any (lib.hasPrefix "lockdown=") on.boot.kernelParams);
    "the running kernel stays" = on.security.protectKernelImage;
    "no boot loader is touched" = on.boot.loader == (evaluate [ ]).boot.loader;
    "what the disks need is told" = tells "names nvme, hid-apple" (of { enable = true; blacklist = [ "nvme" "hid-apple" "dccp" ]; } { });
    "what containers need is told" = tells "turns user.max_user_namespaces off" (of { enable = true; sysctl."user.max_user_namespaces" = 0; } { });
    # Which NixOS tells by the file systems.
    "a lockdown that ZFS does not survive is told" = real || tells "would not boot" (of { enable = true; lockdown = "integrity"; } zfs);
    "without ZFS it may be" = real || broken (of { enable = true; lockdown = "integrity"; } { }) == [ ];
    "locked modules too" = real || tells "imported after the boot" (of { enable = true; lockModules = true; } zfs);
  } // lib.optionalAttrs (!real) {
    "nothing, unless it is enabled" = (of { } { }).boot.kernel.sysctl == { } && (of { } { }).boot.kernelParams == [ ];
  };
  refused = {
    "another lockdown" = (of { enable = true; lockdown = "yes"; } { }).boot.kernelParams;
    "a module that is none" = (of { enable = true; blacklist = [ "a b" ]; } { }).boot.blacklistedKernelModules;
  };
}

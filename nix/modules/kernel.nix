# watchstander.kernel: in place of the hardened kernel, which nixpkgs no longer has. Settings of
# the usual kernel, of which each is safe for ZFS, for rootless containers and for a Mac with a T2.
# The kernel and the way it is booted stay as they are.
{ config, lib, ... }:
let
  inherit (lib) mkEnableOption mkIf mkOption types;
  cfg = config.watchstander.kernel;
  zfs = config.boot.zfs.enabled or false;

  # What this machine's disks, keyboard, fans and network hang on.
  needed = [
    "zfs" "spl" "nvme" "ahci" "xhci_pci" "usb_storage" "usbhid" "hid_apple" "hid_generic" "apple_bce" "applesmc" "apple_gmux" "brcmfmac" "thunderbolt"
    "tg3" "atlantic" "igc" "nf_tables" "overlay" "fuse" "vfat" "nls_cp437" "nls_iso8859-1"
  ];
  same = a: b: lib.replaceStrings [ "-" ] [ "_" ] a == lib.replaceStrings [ "-" ] [ "_" ] b;

  sysctl = {
    # What the kernel tells of itself.
    "kernel.dmesg_restrict" = 1;
    "kernel.kptr_restrict" = 2;
    "kernel.perf_event_paranoid" = 2;
    # What programs may do to each other and to it.
    "kernel.randomize_va_space" = 2;
    "kernel.yama.ptrace_scope" = 1;
    "kernel.unprivileged_bpf_disabled" = 1;
    "net.core.bpf_jit_harden" = 2;
    "vm.unprivileged_userfaultfd" = 0;
    "dev.tty.ldisc_autoload" = 0;
    "fs.suid_dumpable" = 0;
    "fs.protected_fifos" = 2;
    "fs.protected_regular" = 2;
    "fs.protected_hardlinks" = 1;
    "fs.protected_symlinks" = 1;
    # Sync, remount and reboot from the console, which the way back from a hang needs; no more.
    "kernel.sysrq" = 176;
    # The network: nobody's word for where packets go.
    "net.ipv4.tcp_syncookies" = 1;
    "net.ipv4.tcp_rfc1337" = 1;
    "net.ipv4.icmp_echo_ignore_broadcasts" = 1;
    "net.ipv4.icmp_ignore_bogus_error_responses" = 1;
    # Loose: a VPN and containers' networks come back by other ways.
    "net.ipv4.conf.all.rp_filter" = 2;
    "net.ipv4.conf.default.rp_filter" = 2;
  } // lib.listToAttrs (lib.concatMap
    (scope: lib.concatMap
      (family: map (n: lib.nameValuePair "net.${family}.conf.${scope}.${n}" 0) [ "accept_redirects" "accept_source_route" ])
      [ "ipv4" "ipv6" ]
    ++ map (n: lib.nameValuePair "net.ipv4.conf.${scope}.${n}" 0) [ "secure_redirects" "send_redirects" ])
    [ "all" "default" ]);
in
{
  options.watchstander.kernel = {
    enable = mkEnableOption "hardened settings of the kernel";
    sysctl = mkOption {
      type = types.attrsOf (types.nullOr (types.either types.int types.str));
      default = { };
      example = { "kernel.yama.ptrace_scope" = null; };
      description = "Settings that are otherwise here; null leaves one as NixOS has it.";
    };
    blacklist = mkOption {
      type = types.listOf (types.strMatching "[A-Za-z0-9_-]+");
      default = [ "dccp" "sctp" "rds" "tipc" "n-hdlc" "ax25" "netrom" "rose" "can" "atm" "cramfs" "freevxfs" "jffs2" "adfs" "affs" "befs" "minix" "omfs" "qnx4" "qnx6" "sysv" "ufs" "firewire-core" "vivid" ];
      description = "Modules that are not loaded by themselves: protocols and file systems that nobody uses here, and whose faults anybody could reach.";
    };
    kernelImage = mkOption { type = types.bool; default = true; description = "Whether the running kernel cannot be replaced (kexec), and does not hibernate."; };
    lockModules = mkOption { type = types.bool; default = false; description = "Whether no module is loaded any more once the host is up. A device that is plugged in later, and a pool that is imported later, may then not work."; };
    zeroMemory = mkOption { type = types.bool; default = false; description = "Whether memory is zeroed when it is given out (init_on_alloc). It costs ZFS' cache some percent: measure before and after."; };
    lockdown = mkOption {
      type = types.enum [ "none" "integrity" "confidentiality" ];
      default = "none";
      description = "The kernel's lockdown. It refuses modules that are not signed, as are those of ZFS on NixOS: such a host would not boot.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.lockdown != "none" -> !zfs;
        message = "watchstander.kernel.lockdown must be \"none\" on a host with ZFS: its modules are not signed, and the host would not boot.";
      }
      {
        assertion = !(cfg.lockModules && zfs);
        message = "watchstander.kernel.lockModules must be false on a host with ZFS: a pool that is imported after the boot would not be.";
      }
      (let bad = lib.filter (m: lib.any (same m) needed) cfg.blacklist; in {
        assertion = bad == [ ];
        message = "watchstander.kernel.blacklist names ${lib.concatStringsSep ", " bad}, which this machine's disks, network or keyboard need.";
      })
      (let bad = lib.filter (n: lib.elem (cfg.sysctl.${n} or null) [ 0 "0" ] ) [ "user.max_user_namespaces" "kernel.unprivileged_userns_clone" "net.ipv4.ip_forward" ]; in {
        assertion = bad == [ ];
        message = "watchstander.kernel.sysctl turns ${lib.concatStringsSep ", " bad} off, which containers and Nix' builds need.";
      })
    ];
    # Before NixOS' own defaults, after what a host says itself.
    boot.kernel.sysctl = lib.mapAttrs (_: lib.mkOverride 900) (lib.filterAttrs (_: v: v != null) (sysctl // cfg.sysctl));
    boot.blacklistedKernelModules = cfg.blacklist;
    boot.kernelParams =
      [ "slab_nomerge" "page_alloc.shuffle=1" "randomize_kstack_offset=on" "vsyscall=none" ]
      ++ lib.optional cfg.zeroMemory "init_on_alloc=1"
      ++ lib.optional (cfg.lockdown != "none") "lockdown=${cfg.lockdown}";
    security.protectKernelImage = lib.mkIf cfg.kernelImage true;
    security.lockKernelModules = lib.mkIf cfg.lockModules true;
  };
}

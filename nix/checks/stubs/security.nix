# Of services.openssh, services.fail2ban, security, boot, networking and programs, what the
# modules define or look at, with NixOS' types and defaults.
{ lib, ... }:
let
  inherit (lib) mkOption types;
  bool = default: mkOption { type = types.bool; inherit default; };
  str = default: mkOption { type = types.str; inherit default; };
  strs = mkOption { type = types.listOf types.str; default = [ ]; };
  nullOr = type: default: mkOption { type = types.nullOr type; inherit default; };
  lines = mkOption { type = types.lines; default = ""; };
  ini = types.attrsOf (types.attrsOf (types.nullOr (types.oneOf [ types.bool types.int types.float types.str ])));
  ranges = mkOption { default = [ ]; type = types.listOf (types.attrsOf types.port); };
  opened = {
    allowedTCPPorts = mkOption { type = types.listOf types.port; default = [ ]; apply = lib.unique; };
    allowedTCPPortRanges = ranges;
    allowedUDPPorts = mkOption { type = types.listOf types.port; default = [ ]; apply = lib.unique; };
    allowedUDPPortRanges = ranges;
  };
in
{
  options = {
    boot.loader.grub = {
      enable = bool true;
      configurationLimit = mkOption { type = types.int; default = 100; };
      device = str "";
      devices = strs;
      efiSupport = bool false;
      efiInstallAsRemovable = bool false;
    };
    fileSystems = mkOption { type = types.attrsOf (types.attrsOf types.str); default = { }; };
    boot.loader.systemd-boot.enable = bool false;
    boot.loader.generic-extlinux-compatible.enable = bool false;
    boot.loader.limine.enable = bool false;
    boot.kernelParams = strs;
    boot.blacklistedKernelModules = strs;
    boot.kernel.sysctl = mkOption { type = types.attrsOf (types.nullOr (types.oneOf [ types.bool types.str types.int ])); default = { }; };

    networking.enableIPv6 = bool true;
    networking.nftables.enable = bool false;
    networking.firewall = opened // {
      enable = bool true;
      trustedInterfaces = strs;
      interfaces = mkOption { default = { }; type = types.attrsOf (types.submodule [{ options = opened; }]); };
      extraCommands = lines;
      extraInputRules = lines;
      logRefusedConnections = bool true;
    };

    services.openssh = {
      enable = bool false;
      openFirewall = bool true;
      ports = mkOption { type = types.listOf types.port; default = [ 22 ]; };
      authorizedKeysInHomedir = bool true;
      startWhenNeeded = bool false;
      extraConfig = lines;
      settings = mkOption {
        default = { };
        type = types.submodule {
          freeformType = types.attrsOf (types.nullOr (types.oneOf [ types.str types.bool types.int (types.listOf types.str) ]));
          options = {
            PasswordAuthentication = nullOr types.bool true;
            KbdInteractiveAuthentication = nullOr types.bool true;
            PermitRootLogin = nullOr (types.enum [ "yes" "without-password" "prohibit-password" "forced-commands-only" "no" ]) "prohibit-password";
            X11Forwarding = nullOr types.bool false;
            LogLevel = nullOr (types.enum [ "QUIET" "FATAL" "ERROR" "INFO" "VERBOSE" "DEBUG" "DEBUG1" "DEBUG2" "DEBUG3" ]) "INFO";
            Ciphers = nullOr (types.listOf types.str) [ ];
            Macs = nullOr (types.listOf types.str) [ ];
            KexAlgorithms = nullOr (types.listOf types.str) [ ];
            AllowUsers = nullOr (types.listOf types.str) null;
          };
        };
      };
    };

    services.fail2ban = {
      enable = bool false;
      maxretry = mkOption { type = types.ints.unsigned; default = 3; };
      bantime = str "10m";
      bantime-increment = {
        enable = bool false;
        maxtime = nullOr types.str null;
        overalljails = nullOr types.bool null;
      };
      ignoreIP = strs;
      daemonSettings = mkOption { type = ini; default = { }; };
      jails = mkOption {
        default = { };
        type = types.attrsOf (types.either types.lines (types.submodule {
          options = {
            enabled = bool true;
            filter = nullOr (types.either types.str ini) null;
            settings = mkOption { default = { }; type = types.attrsOf (types.nullOr (types.oneOf [ types.bool types.int types.float types.str ])); };
          };
        }));
      };
    };

    security.audit = {
      enable = mkOption { type = types.enum [ false true "lock" ]; default = false; };
      failureMode = mkOption { type = types.enum [ "silent" "printk" "panic" ]; default = "printk"; };
      backlogLimit = mkOption { type = types.int; default = 1024; };
      rateLimit = mkOption { type = types.int; default = 0; };
      rules = strs;
    };
    security.auditd = {
      enable = bool false;
      settings = mkOption {
        default = { };
        type = types.submodule { freeformType = types.attrsOf (types.nullOr (types.oneOf [ types.bool types.nonEmptyStr types.path types.int ])); };
      };
    };
    security.apparmor = {
      enable = bool false;
      killUnconfinedConfinables = bool false;
      includes = mkOption { type = types.attrsOf types.lines; default = { }; };
      policies = mkOption {
        default = { };
        type = types.attrsOf (types.submodule {
          options = {
            state = mkOption { type = types.enum [ "disable" "complain" "enforce" ]; default = "enforce"; };
            profile = lines;
            path = nullOr types.path null;
          };
        });
      };
    };
    security.protectKernelImage = bool false;
    security.lockKernelModules = bool false;
    security.sudo = { execWheelOnly = bool false; wheelNeedsPassword = bool true; };
    users.mutableUsers = bool true;
  };
}

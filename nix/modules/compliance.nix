# watchstander.compliance: controls in the manner of the CIS benchmarks, in words of our own,
# each with its evidence: what the configuration says is looked at on the running host. The
# report is for people, the states are for Prometheus.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkEnableOption mkIf mkOption optional optionals types;
  cfg = config.watchstander.compliance;
  inherit (config.watchstander.textfile) directory;
  inherit (config) services;
  ours = config.watchstander;

  control = id: title: kind: args: { inherit id title kind args; };
  sysctl = name: value: title: control "sysctl-${lib.replaceStrings [ "." "_" ] [ "-" "-" ] name}" title "sysctl" [ name value ];
  locals = lib.filterAttrs (_: p: p.reach == "local") (ours.constraints.ports or { });
  profiles = lib.filterAttrs (n: _: lib.hasPrefix "watchstander-" n) (config.security.apparmor.policies or { });

  own = [
    # Access.
    (control "ssh-passwords" "SSH takes no passwords" "sshd" [ "passwordauthentication" "no" ])
    (control "ssh-keyboard" "SSH asks nothing at the keyboard" "sshd" [ "kbdinteractiveauthentication" "no" ])
    (control "ssh-root" "root does not log in over SSH" "sshd" [ "permitrootlogin" "no" ])
    (control "ssh-empty" "SSH takes no empty password" "sshd" [ "permitemptypasswords" "no" ])
    (control "accounts-root" "root alone is root" "roots" [ ])
    (control "accounts-empty" "nobody is without a password" "empty" [ ])
    (control "accounts-declared" "accounts are the configuration's alone (users.mutableUsers = false)" "config" [ (!config.users.mutableUsers) "users.mutableUsers = ${lib.boolToString config.users.mutableUsers}" ])
    (control "sudo-wheel" "sudo asks for a password" "config" [ config.security.sudo.wheelNeedsPassword "security.sudo.wheelNeedsPassword = ${lib.boolToString config.security.sudo.wheelNeedsPassword}" ])
    (control "files-shadow" "password hashes are root's alone" "mode" [ "/etc/shadow" "640" ])
    (control "files-sudoers" "who may become root is root's to say" "mode" [ "/etc/sudoers" "444" ])
    (control "files-hostkey" "the host's key is root's alone" "mode" [ "/etc/ssh/ssh_host_ed25519_key" "600" ])
    # Network.
    (control "firewall" "there is a firewall" "config" [ config.networking.firewall.enable "networking.firewall.enable = ${lib.boolToString config.networking.firewall.enable}" ])
    (sysctl "net.ipv4.tcp_syncookies" "1" "a flood of connections is borne")
    (sysctl "kernel.randomize_va_space" "2" "addresses are at random")
    # The way back.
    (control "generations" "there are generations to go back to" "generations" [ "3" ])
    (control "boot-loader" "the boot loader is GRUB" "config" [ config.boot.loader.grub.enable "boot.loader.grub.enable = ${lib.boolToString config.boot.loader.grub.enable}" ])
  ]
  # What was built is not yet what runs.
  ++ optional config.networking.firewall.enable (control "firewall-runs" "the firewall's rules are loaded" "unit" [ (if config.networking.nftables.enable or false then "nftables.service" else "firewall.service") ])
  ++ optionals (ours.kernel.enable or false) [
    (sysctl "net.ipv4.conf.all.accept_redirects" "0" "no host says where packets go")
    (sysctl "net.ipv4.conf.all.send_redirects" "0" "nor does this one")
    (sysctl "kernel.dmesg_restrict" "1" "the kernel's log is root's")
    (sysctl "kernel.yama.ptrace_scope" "1" "programs look into their children alone")
    (sysctl "kernel.kptr_restrict" "2" "the kernel's addresses are nobody's")
    (sysctl "fs.suid_dumpable" "0" "setuid programs leave no memory behind")
  ]
  ++ lib.mapAttrsToList (n: p: control "port-${n}" "${n} is this host's alone" "port" [ (toString p.port) ]) locals
  ++ optional (services.fail2ban.enable or false) (control "fail2ban" "fail2ban runs" "unit" [ "fail2ban.service" ])
  ++ optionals (config.security.auditd.enable or false) [
    (control "audit-runs" "auditd runs" "unit" [ "auditd.service" ])
    (control "audit-privileged" "who becomes root is recorded" "audit" [ "privileged" ])
    (control "audit-identity" "changes of accounts are recorded" "audit" [ "identity" ])
    (control "audit-modules" "modules of the kernel are recorded" "audit" [ "modules" ])
    (control "audit-whole" "the record is whole" "lost" [ ])
  ]
  ++ lib.mapAttrsToList (n: p: control "apparmor-${lib.removePrefix "watchstander-" n}" "the profile of ${lib.removePrefix "watchstander-" n} ${if p.state == "enforce" then "is enforced" else "is there, and complains"}" "apparmor" [ n p.state ]) profiles;

  controls = lib.filter (c: !(cfg.exceptions ? ${c.id})) (own ++ cfg.extraControls);
  ids = map (c: c.id) (own ++ cfg.extraControls);
  file = pkgs.writeText "controls.json" (builtins.toJSON controls);
  program = import ../script.nix { inherit lib pkgs; } "compliance" ([ pkgs.coreutils pkgs.gawk pkgs.gnugrep pkgs.gnused pkgs.findutils pkgs.jq pkgs.iproute2 pkgs.systemd pkgs.openssh ]
    ++ optional (config.security.auditd.enable or false) pkgs.audit);
in
{
  imports = [ ./alerts.nix ./textfile.nix ];

  options.watchstander.compliance = {
    enable = mkEnableOption "a daily look at the host's controls, with a report";
    startAt = mkOption { type = types.nonEmptyStr; default = "06:45"; description = "When (systemd.time(7))."; };
    extraControls = mkOption {
      default = [ ];
      type = types.listOf (types.submodule {
        options = {
          id = mkOption { type = types.strMatching "[a-z0-9-]+"; description = "Its name, of which there is one."; };
          title = mkOption { type = types.singleLineStr; description = "What holds, in a few words."; };
          kind = mkOption {
            type = types.enum [ "sysctl" "unit" "sshd" "port" "mode" "audit" "apparmor" ];
            description = "What is looked at: a setting of the kernel, whether a unit is active, a setting of sshd's, whether a port is this host's alone, a file of root's and its mode, the key of an audit rule, a profile of AppArmor's.";
          };
          args = mkOption { type = types.listOf types.str; description = "Of what, and what it must be: `[ \"kernel.sysrq\" \"176\" ]`, `[ \"sshd.service\" ]`, `[ \"9090\" ]`, `[ \"/etc/shadow\" \"640\" ]`."; };
        };
      });
      description = "Controls of your own.";
    };
    exceptions = mkOption {
      type = types.attrsOf types.nonEmptyStr;
      default = { };
      example = { accounts-declared = "alice changes her own password on the host"; };
      description = "Controls that are not looked at, each with its reason. They stand in the report's settings, where reviewers find them.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = lib.length ids == lib.length (lib.unique ids);
        message = "watchstander.compliance.extraControls has an id that another control has.";
      }
      (let strange = lib.filter (id: !lib.elem id ids) (lib.attrNames cfg.exceptions); in {
        assertion = strange == [ ];
        message = "watchstander.compliance.exceptions names ${lib.concatStringsSep ", " strange}, and there is no such control on this host.";
      })
    ];
    environment.etc."watchstander/compliance-exceptions.json".text = builtins.toJSON cfg.exceptions;
    systemd.services.watchstander-compliance = {
      description = "Look at the host's controls";
      serviceConfig = import ../confined.nix // {
        Type = "oneshot";
        ExecStart = ''${program} ${file} "" /var/lib/watchstander-compliance/report.txt ${directory}'';
        StateDirectory = "watchstander-compliance";
        StateDirectoryMode = "0750";
        ReadWritePaths = [ directory ];
        TimeoutStartSec = "5min";
        MemoryMax = "256M";
        UMask = "0077";
        # It reads what is root's, and asks the kernel for audit's rules.
        CapabilityBoundingSet = [ "CAP_DAC_READ_SEARCH" "CAP_AUDIT_CONTROL" "CAP_MAC_ADMIN" ];
        IPAddressDeny = "any";
        PrivateDevices = true;
        # What ss and auditctl ask the kernel by. Not a network of its own, whose ports would be others.
        RestrictAddressFamilies = [ "AF_UNIX" "AF_NETLINK" "AF_INET" "AF_INET6" ];
      };
    };
    systemd.timers.watchstander-compliance = {
      description = "Look at the host's controls";
      wantedBy = [ "timers.target" ];
      timerConfig = { OnCalendar = cfg.startAt; Persistent = true; RandomizedDelaySec = "10min"; };
    };
    watchstander.textfile.enable = true;
    watchstander.alerts.files.compliance = ../alerts/compliance.yaml;
  };
}

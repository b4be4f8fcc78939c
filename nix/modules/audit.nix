# watchstander.audit: what people do with privileges is on record. `basic` is what a host can
# always bear; `full` is every change and refusal of people's, and every command of root's.
#
# A rule on a path that does not exist is refused by the kernel, so the paths here are those that
# every NixOS has. Setuid programs are told by their change of user, not by their path: the
# wrappers are made anew at each activation.
{ config, options, lib, pkgs, ... }:
let
  inherit (lib) mkEnableOption mkIf mkOption types;
  cfg = config.watchstander.audit;
  full = cfg.level == "full";
  auditctl = "${config.security.audit.package or pkgs.audit}/bin/auditctl";

  people = "-F auid>=1000 -F auid!=unset";
  # A system call for both kinds of program that an x86-64 kernel runs.
  calls = names: rest: key: map (arch: "-a always,exit -F arch=${arch} -S ${names} ${rest} -F key=${key}") [ "b64" "b32" ];
  watch = key: path: "-w ${path} -p wa -k ${key}";
  tree = key: path: "-a always,exit -F dir=${path} -F perm=wa -F key=${key}";
  removals = "unlink,unlinkat,rename,renameat,renameat2,rmdir";

  quiet = [
    # One rule that the kernel refuses does not cost the others; the unit fails all the same
    # (and must not take them away then: see ExecStop below).
    "-c"
    # systemd tells of its units in the journal, and of its filters nowhere.
    "-a always,exclude -F msgtype=SERVICE_START"
    "-a always,exclude -F msgtype=SERVICE_STOP"
    "-a always,exclude -F msgtype=BPF"
    # Which system runs, and which there are to go back to. The first rule that fits counts: it
    # stands before those that leave the store out.
    (tree "generations" "/nix/var/nix/profiles")
    # A collection deletes many thousand files of the store.
    "-a never,exit -F arch=b64 -S ${removals} -F dir=/nix"
    "-a never,exit -F arch=b32 -S ${removals} -F dir=/nix"
  ] ++ map (p: "-a never,exit -F exe=${p}") cfg.ignorePrograms;

  basic = lib.concatLists [
    # Privileges: who becomes somebody else, and who may.
    (calls "execve" "-C uid!=euid -F euid=0 ${people}" "privileged")
    (map (watch "sudoers") [ "/etc/sudoers" "/etc/sudoers.d" "/etc/pam.d" ])
    # Identity.
    (map (watch "identity") [ "/etc/passwd" "/etc/shadow" "/etc/group" "/etc/subuid" "/etc/subgid" "/var/lib/nixos" ])
    (map (watch "logins") [ "/var/log/lastlog" "/var/log/wtmp" "/var/log/btmp" ])
    # The way in.
    [ (watch "sshd" "/etc/ssh") ]
    # Time: who sets it, and people who bend it (time services bend it all day).
    (calls "settimeofday,clock_settime" "" "time")
    (calls "adjtimex,clock_adjtime" people "time")
    [ (watch "time" "/etc/localtime") ]
    # The kernel.
    (calls "init_module,finit_module,delete_module" "" "modules")
    # (of 32-bit programs its name is another for each version of audit)
    [ "-a always,exit -F arch=b64 -S kexec_load,kexec_file_load -F key=kexec" ]
    (calls "ptrace" people "tracing")
    # Mounts by people.
    [ "-a always,exit -F arch=b64 -S mount,umount2 ${people} -F key=mounts" ]
    [ "-a always,exit -F arch=b32 -S mount,umount,umount2 ${people} -F key=mounts" ]
    # Deletions by people who have become root.
    (calls removals "-F euid=0 ${people}" "deletions")
    (lib.mapAttrsToList (key: path: tree key path) cfg.trees)
  ];
  everything = lib.concatLists [
    (calls "execve" "-F euid=0 ${people}" "root-commands")
    (calls removals people "deletions")
    (calls "chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,fremovexattr" people "permissions")
    (calls "open,openat,openat2,creat,truncate,ftruncate" "-F exit=-EACCES ${people}" "refused")
    (calls "open,openat,openat2,creat,truncate,ftruncate" "-F exit=-EPERM ${people}" "refused")
    (calls "sethostname,setdomainname" "" "host-name")
    (calls "bpf,perf_event_open" people "tracing")
  ];
in
{
  options.watchstander.audit = {
    enable = mkEnableOption "the audit framework, with rules";
    level = mkOption {
      type = types.enum [ "basic" "full" ];
      default = "basic";
      description = ''
        How much is recorded. `full` adds every command of root's, every deletion, change of permissions and refusal
        of people's: some ten thousand events a day on a busy host. Watch `basic` for two weeks first.
      '';
    };
    lock = mkOption {
      type = types.bool;
      default = false;
      description = "Whether nobody may change the rules before the next boot. A switch that changes them then takes effect only there.";
    };
    backlogLimit = mkOption {
      type = types.ints.between 1024 65536;
      default = 8192;
      description = "How many events the kernel holds for auditd, from boot on. What goes beyond is lost, and counted.";
    };
    trees = mkOption {
      type = types.attrsOf (types.strMatching "/[^ ]+");
      default = { };
      example = { configuration = "/etc/nixos"; };
      description = "Directories whose changes are recorded, by the key they are found with. They must exist.";
    };
    ignorePrograms = mkOption {
      type = types.listOf (types.strMatching "/[^ ]+");
      default = [ ];
      description = "Programs whose events are not recorded, by their full paths: for what floods the record.";
    };
    extraRules = mkOption { type = types.listOf (types.strMatching "-.+"); default = [ ]; example = [ "-w /var/lib/step-ca -p wa -k ca" ]; description = "Further rules (auditctl(8))."; };
    spaceLeft = mkOption { type = types.ints.positive; default = 1024; description = "MiB that must be left on the record's file system before a warning."; };
    adminSpaceLeft = mkOption { type = types.ints.positive; default = 256; description = "MiB that are left when recording stops, so that the disk does not fill: less than spaceLeft."; };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.spaceLeft > cfg.adminSpaceLeft;
        message = "watchstander.audit.spaceLeft must be more than adminSpaceLeft: the warning comes first.";
      }
      {
        assertion = lib.all (key: builtins.match "[a-z0-9-]{1,31}" key != null) (lib.attrNames cfg.trees);
        message = "watchstander.audit.trees: a key has small letters, digits and hyphens, and at most 31 of them.";
      }
    ];
    security.audit = {
      enable = if cfg.lock then "lock" else true;
      inherit (cfg) backlogLimit;
      # A host that stops because its record is full serves an intruder more than us.
      failureMode = "printk";
      rules = quiet ++ basic ++ lib.optionals full everything ++ cfg.extraRules;
    };
    security.auditd = {
      enable = true;
    } // lib.optionalAttrs (options.security.auditd ? settings) {
      # NixOS has it since 25.11. Before that auditd goes by what its own package says.
      settings = {
        log_format = "ENRICHED";
        max_log_file = 64;
        num_logs = 16;
        max_log_file_action = "rotate";
        space_left = cfg.spaceLeft;
        space_left_action = "syslog";
        admin_space_left = cfg.adminSpaceLeft;
        admin_space_left_action = "suspend";
        disk_full_action = "suspend";
        disk_error_action = "syslog";
      };
    };
    # NixOS takes all rules away after the unit has ended (ExecStopPost=), which it has, too, where
    # it failed at a single rule. They go where it is stopped, and stay where it failed. Locked
    # rules go nowhere: a switch leaves them, and is no failure for it.
    systemd.services.audit-rules-nixos = mkIf (options.security.auditd ? settings) {
      restartIfChanged = !cfg.lock;
      serviceConfig = {
        ExecStopPost = lib.mkForce [ ];
        ExecStop = lib.optionals (!cfg.lock) [ "${auditctl} -e 0" "${auditctl} -D" ];
      };
    };
    # The rules come late: this holds for what happens at boot before.
    boot.kernelParams = [ "audit_backlog_limit=${toString cfg.backlogLimit}" ];
  };
}

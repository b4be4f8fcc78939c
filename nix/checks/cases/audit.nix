# watchstander.audit.
{ lib, evaluate, broken, tells, ... }:
let
  of = audit: evaluate [{ watchstander = { inherit audit; }; }];
  on = of { enable = true; };
  full = of { enable = true; level = "full"; };
  rules = c: c.security.audit.rules;
  key = c: k: lib.any (r: lib.hasSuffix "key=${k}" r || lib.hasSuffix "-k ${k}" r) (rules c);
in
{
  holds = {
    "nothing, unless it is enabled" = (of { }).security.audit.enable == false;
    "no assertion fails" = broken on == [ ] && broken full == [ ];
    "a rule for each of the plan's" = lib.all (key on) [ "privileged" "sudoers" "identity" "time" "modules" "mounts" "deletions" "sshd" ];
    "every rule can be found by its key" = lib.all (r: lib.hasInfix "key=" r || lib.hasInfix " -k " r || r == "-c" || lib.hasInfix "-a never," r || lib.hasInfix "always,exclude" r) (rules full);
    "what is noisy is off" = !(key on "root-commands") && !(key on "refused") && key full "root-commands" && key full "refused";
    "the backlog, from boot on" = on.security.audit.backlogLimit == 8192 && on.boot.kernelParams == [ "audit_backlog_limit=8192" ];
    "a host does not stop for it" = on.security.audit.failureMode == "printk" && on.security.auditd.settings.disk_full_action == "suspend";
    "a warning comes first" = on.security.auditd.settings.space_left > on.security.auditd.settings.admin_space_left;
    "a lock" = (of { enable = true; lock = true; }).security.audit.enable == "lock";
    "a directory" = lib.elem "-a always,exit -F dir=/etc/nixos -F perm=wa -F key=configuration" (rules (of { enable = true; trees.configuration = "/etc/nixos"; }));
    "the store's deletions come to nothing before the rule on deletions" =
      let first = w: (lib.findFirst (x: lib.hasInfix w x.r) { n = 9999; } (lib.imap0 (n: r: { inherit n r; }) (rules full))).n; in first "dir=/nix" < first "key=deletions";
    "a generation's deletion is recorded all the same" =
      let first = w: (lib.findFirst (x: lib.hasInfix w x.r) { n = 9999; } (lib.imap0 (n: r: { inherit n r; }) (rules on))).n; in first "key=generations" < first "a never,exit";
    "a rule that is refused does not cost the others" = let u = on.systemd.services.audit-rules-nixos; in
      u.serviceConfig.ExecStopPost == [ ] && lib.length u.serviceConfig.ExecStop == 2 && u.restartIfChanged;
    "a switch leaves locked rules alone" = let u = (of { enable = true; lock = true; }).systemd.services.audit-rules-nixos; in
      u.serviceConfig.ExecStop == [ ] && !u.restartIfChanged;
    "an empty warning is told" = tells "the warning comes first" (of { enable = true; spaceLeft = 100; adminSpaceLeft = 100; });
    "a key that audit does not take is told" = tells "a key has small letters" (of { enable = true; trees."a b" = "/etc/nixos"; });
  };
  refused = {
    "another level" = (of { enable = true; level = "some"; }).security.audit.rules;
    "a rule that is none" = (of { enable = true; extraRules = [ "watch all" ]; }).security.audit.rules;
    "a small backlog" = (of { enable = true; backlogLimit = 64; }).security.audit.backlogLimit;
    "a path with a blank" = (of { enable = true; trees.a = "/a b"; }).security.audit.rules;
  };
}

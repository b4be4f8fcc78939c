# watchstander.ssh.
{ lib, evaluate, broken, tells, ... }:
let
  of = ssh: more: evaluate [{ watchstander = { inherit ssh; }; } more];
  on = of { enable = true; } { };
  nft = of { enable = true; users = [ "alice" ]; } { networking.nftables.enable = true; services.openssh.ports = [ 22 2222 ]; };
  s = on.services.openssh.settings;
in
{
  holds = {
    "nothing, unless it is enabled" = !(of { } { }).services.openssh.enable;
    "no assertion fails" = broken on == [ ] && broken nft == [ ];
    "keys alone, and never root" = !s.PasswordAuthentication && !s.KbdInteractiveAuthentication && s.PermitRootLogin == "no" && s.AuthenticationMethods == "publickey";
    "everybody with a key, unless some are named" = s.AllowUsers == null && nft.services.openssh.settings.AllowUsers == [ "alice" ];
    "the firewall opens it, at a rate" = !on.services.openssh.openFirewall && lib.hasInfix "--hashlimit-upto 10/minute" on.networking.firewall.extraCommands && on.networking.firewall.extraInputRules == "";
    "of either kind" = nft.networking.firewall.extraCommands == "" && lib.hasInfix "tcp dport 2222 ct state new meter ssh6-2222" nft.networking.firewall.extraInputRules;
    "an address is forgotten in time" = lib.hasInfix "ip saddr timeout 3m limit" nft.networking.firewall.extraInputRules && lib.hasInfix ":: timeout 3m limit" nft.networking.firewall.extraInputRules
      && lib.hasInfix "timeout 12m" (of { enable = true; rateLimit = { perMinute = 2; burst = 20; }; } { networking.nftables.enable = true; }).networking.firewall.extraInputRules;
    "without IPv6, none of it" = !(lib.hasInfix "ip6tables" (of { enable = true; } { networking.enableIPv6 = false; }).networking.firewall.extraCommands);
    "or it is left as it was" = (of { enable = true; rateLimit.enable = false; } { }).services.openssh.openFirewall;
    "a rate without a firewall is told" = tells "needs networking.firewall.enable" (of { enable = true; } { networking.firewall.enable = false; });
    "users without keys are told" = tells "Nobody could log in" (of { enable = true; users = [ "alice" ]; } { services.openssh.authorizedKeysInHomedir = false; });
    "nobody with a key is told" = tells "nobody but root has a key" (of { enable = true; } { services.openssh.authorizedKeysInHomedir = false; });
    "root's key lets nobody in" = tells "nobody but root has a key" (of { enable = true; } { services.openssh.authorizedKeysInHomedir = false; users.users.root.openssh.authorizedKeys.keys = [ "ssh-ed25519 AAAA" ]; });
    "somebody's is enough" = broken (of { enable = true; } { services.openssh.authorizedKeysInHomedir = false; users.users.bob.openssh.authorizedKeys.keys = [ "ssh-ed25519 AAAA" ]; }) == [ ];
    "keys that may be in homes are warned about" = lib.any (lib.hasInfix "locked out by the switch") on.warnings
      && (of { enable = true; users = [ "bob@10.0.0.*" ]; } { users.users.bob.openssh.authorizedKeys.keys = [ "ssh-ed25519 AAAA" ]; }).warnings == [ ];
    "one key is enough" = broken (of { enable = true; users = [ "alice" ]; } {
      services.openssh.authorizedKeysInHomedir = false;
      users.users.alice = { isNormalUser = true; openssh.authorizedKeys.keys = [ "ssh-ed25519 AAAA" ]; };
    }) == [ ];
  };
  refused = {
    "no rate at all" = (of { enable = true; rateLimit.perMinute = 0; } { }).watchstander.ssh.rateLimit.perMinute;
    "passwords after all" = (of { enable = true; } { services.openssh.settings.PasswordAuthentication = true; }).services.openssh.settings.PasswordAuthentication;
    "a misspelt option" = (of { enabled = true; } { }).services.openssh.enable;
  };
}

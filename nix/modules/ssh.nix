# watchstander.ssh: the way in. Keys only, root never, and at a rate that a person keeps.
{ config, lib, ... }:
let
  inherit (lib) mkEnableOption mkIf mkOption optional types;
  cfg = config.watchstander.ssh;
  limit = cfg.rateLimit;
  ports = config.services.openssh.ports;
  # In AllowUsers a host may follow the name.
  hasKey = u: let a = config.users.users.${lib.head (lib.splitString "@" u)} or { }; in (a.openssh.authorizedKeys.keys or [ ]) != [ ] || (a.openssh.authorizedKeys.keyFiles or [ ]) != [ ];
  admitted = if cfg.users != [ ] then cfg.users else lib.filter (u: u != "root") (lib.attrNames config.users.users);
  keyless = !lib.any hasKey admitted;
  who = if cfg.users != [ ] then "of watchstander.ssh.users" else "but root";
  rate = "${toString limit.perMinute}/minute";
  # An address is forgotten once it could have all of its burst again. Without that the table only grows,
  # and a full one lets nobody new in: a few thousand made-up senders would lock everybody out.
  forget = "${toString (limit.burst / limit.perMinute + 2)}m";
  nft = lib.concatMapStrings
    (port:
      let p = toString port; in ''
        tcp dport ${p} ct state new meter ssh4-${p} size 65535 { ip saddr timeout ${forget} limit rate ${rate} burst ${toString limit.burst} packets } accept
        tcp dport ${p} ct state new meter ssh6-${p} size 65535 { ip6 saddr and ffff:ffff:ffff:ffff:: timeout ${forget} limit rate ${rate} burst ${toString limit.burst} packets } accept
      '')
    ports;
  iptables = lib.concatMapStrings
    (port:
      let
        line = program: mask: "${program} -w -A nixos-fw -p tcp --dport ${toString port} -m conntrack --ctstate NEW -m hashlimit --hashlimit-name ssh${toString port} --hashlimit-mode srcip --hashlimit-srcmask ${toString mask} --hashlimit-upto ${rate} --hashlimit-burst ${toString limit.burst} -j nixos-fw-accept\n";
      in
      line "iptables" 32 + lib.optionalString config.networking.enableIPv6 (line "ip6tables" 64))
    ports;
in
{
  options.watchstander.ssh = {
    enable = mkEnableOption "SSH with keys alone";
    users = mkOption {
      type = types.listOf types.nonEmptyStr;
      default = [ ];
      example = [ "alice" ];
      description = "Who may log in at all; everybody with a key when it is empty.";
    };
    rateLimit = {
      enable = mkOption { type = types.bool; default = true; description = "Whether the firewall lets new connections in at a limited rate alone. It then opens the port, and services.openssh.openFirewall is off."; };
      perMinute = mkOption { type = types.ints.between 1 600; default = 10; description = "New connections a minute, from one address (of IPv6, one /64)."; };
      burst = mkOption { type = types.ints.between 1 600; default = 10; description = "So many at once, before the rate counts."; };
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = !limit.enable || config.networking.firewall.enable;
        message = "watchstander.ssh.rateLimit.enable needs networking.firewall.enable: it is the firewall that counts.";
      }
      {
        # Otherwise nobody comes in any more.
        assertion = !keyless || (config.services.openssh.authorizedKeysInHomedir or true);
        message = "watchstander.ssh: nobody ${who} has a key in users.users.NAME.openssh.authorizedKeys, and keys in their homes are not read. Nobody could log in.";
      }
    ];

    warnings = lib.optional (keyless && (config.services.openssh.authorizedKeysInHomedir or true))
      "watchstander.ssh: nobody ${who} has a key in users.users.NAME.openssh.authorizedKeys. Passwords are not taken any more: whoever has no key in ~/.ssh/authorized_keys of the host is locked out by the switch.";

    services.openssh = {
      enable = true;
      openFirewall = lib.mkIf limit.enable false;
      settings = {
        PasswordAuthentication = false;
        KbdInteractiveAuthentication = false;
        PermitRootLogin = "no";
        PermitEmptyPasswords = false;
        AuthenticationMethods = "publickey";
        AllowUsers = lib.mkIf (cfg.users != [ ]) cfg.users;
        X11Forwarding = false;
        AllowAgentForwarding = false;
        MaxAuthTries = 4;
        MaxSessions = 10;
        # From the tenth connection that has not logged in three of ten are dropped, from the thirtieth all.
        MaxStartups = "10:30:30";
        LoginGraceTime = 30;
        ClientAliveInterval = 300;
        ClientAliveCountMax = 2;
        # Which key has logged in, and what fail2ban counts.
        LogLevel = "VERBOSE";
        Ciphers = [ "chacha20-poly1305@openssh.com" "aes256-gcm@openssh.com" "aes128-gcm@openssh.com" ];
        Macs = [ "hmac-sha2-512-etm@openssh.com" "hmac-sha2-256-etm@openssh.com" ];
        KexAlgorithms = [ "sntrup761x25519-sha512@openssh.com" "curve25519-sha256" "curve25519-sha256@libssh.org" ];
      };
    };

    networking.firewall = mkIf limit.enable {
      extraInputRules = mkIf config.networking.nftables.enable nft;
      extraCommands = mkIf (!config.networking.nftables.enable) iptables;
    };
  };
}

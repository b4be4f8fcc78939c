# watchstander.constraints: each bound, and how it is told when a configuration leaves it.
{ lib, evaluate, broken, tells, ... }:
let
  table = {
    ssh = { port = 22; reach = "limited"; };
    postgresql = { port = 5432; reach = "vpn"; };
    step-ca = { port = 8443; reach = "internal"; };
    prometheus = { port = 9090; reach = "local"; };
    node-exporter = { port = 9100; reach = "local"; };
  };
  bounds = { enable = true; stateVersion = "25.05"; ports = table; vpnInterfaces = [ "wg0" ]; internalInterfaces = [ "lan0" ]; };
  base = { watchstander.constraints = bounds; system.stateVersion = "25.05"; };
  of = more: evaluate [ base more ];
  opens = port: { networking.firewall.allowedTCPPorts = [ port ]; };
  on = interface: port: { networking.firewall.interfaces.${interface}.allowedTCPPorts = [ port ]; };
  env = e: { systemd.services.x = { environment = e; script = "true"; }; };
  keys = { services.openssh = { enable = true; openFirewall = false; settings = { PasswordAuthentication = false; KbdInteractiveAuthentication = false; PermitRootLogin = "no"; }; }; };
  sshd = more: lib.recursiveUpdate keys { services.openssh = more; };
  database = more: { services.postgresql = { enable = true; } // more; };
  grafana = password: { services.grafana = { enable = true; settings.security = { admin_password = password; secret_key = "$__file{/run/secrets/k}"; }; }; };
  fine = of {
    imports = [ keys (on "wg0" 5432) (on "lan0" 8443) (env { A_TOKEN_FILE = "/run/secrets/a"; LANG = "C"; }) ];
    services.prometheus = { enable = true; listenAddress = "127.0.0.1"; exporters.node = { enable = true; listenAddress = "127.0.0.1"; }; };
    services.postgresql = { enable = true; enableTCPIP = true; settings.ssl = true; authentication = "local all all peer\nhostssl all all 10.0.0.0/8 cert"; };
    users.users.alice = { isNormalUser = true; hashedPasswordFile = "/run/secrets/alice"; hashedPassword = "!"; };
    networking.firewall.trustedInterfaces = [ "lo" ];
  };
in
{
  holds = {
    "nothing, unless it is enabled" = broken (evaluate [{ boot.loader.grub.enable = false; virtualisation.docker.enable = true; }]) == [ ];
    "a host within its bounds" = broken fine == [ ];

    "no GRUB is told" = tells "boot.loader.grub.enable must be true" (of { boot.loader.grub.enable = false; });
    "systemd-boot is told" = tells "boot.loader.systemd-boot must be off" (of { boot.loader.systemd-boot.enable = true; });
    "another loader is told" = tells "boot.loader.limine must be off" (of { boot.loader.limine.enable = true; });
    "another state version is told" = tells "system.stateVersion is 26.05" (evaluate [{ watchstander.constraints = bounds; system.stateVersion = "26.05"; }]);
    "two generations in the menu are told" = tells "configurationLimit is below 3" (of { boot.loader.grub.configurationLimit = 2; });
    "a collector by age is told" = tells "deletes generations by age" (of { nix.gc = { automatic = true; options = "--delete-older-than 30d"; }; });
    "one that deletes all is told" = tells "deletes generations by age" (of { nix.gc = { automatic = true; options = "-d"; }; });
    "one that is started by hand is told" = tells "deletes generations by age" (of { nix.gc.options = "--delete-old"; });
    "a unit that deletes them is told" = tells "x deletes generations by age" (of { systemd.services.x.script = "nix-collect-garbage --quiet -d"; });
    "by a profile's history, too" = tells "x deletes generations by age" (of { systemd.services.x.script = "nix profile wipe-history --profile y"; });
    "or down to two" = tells "x deletes generations by age" (of { systemd.services.x.serviceConfig.ExecStart = "/bin/nix-env -p y --delete-generations +2"; });
    "ours may" = broken (of { watchstander.generations.enable = true; }) == [ ];
    "one that deletes none is not" = !(tells "deletes generations" (of { nix.gc = { automatic = true; options = "--max-freed 10G"; }; }));
    "another cleaner is told" = tells "programs.nh.clean.enable" (of { programs.nh.clean.enable = true; });

    "passwords over SSH are told" = tells "keys only" (of (sshd { settings.PasswordAuthentication = true; }));
    "and by another way" = tells "keys only" (of (sshd { settings.KbdInteractiveAuthentication = true; }));
    "and for some" = tells "in no Match block" (of (sshd { extraConfig = "Match User bob\n  PasswordAuthentication yes"; }));
    "root over SSH is told" = tells "root never logs in" (of (sshd { settings.PermitRootLogin = "prohibit-password"; }));
    "Docker is told" = tells "virtualisation.docker.enable" (of { virtualisation.docker.enable = true; }) && tells "must be \"podman\"" (of { virtualisation.oci-containers.backend = "docker"; });
    "a reboot that nobody asked for is told" = tells "People reboot" (of { system.autoUpgrade.allowReboot = true; });

    "old TLS of nginx is told" = tells "before TLS 1.2" (of { services.nginx = { enable = true; sslProtocols = "TLSv1.1 TLSv1.2"; }; });
    "in its words too" = tells "before TLS 1.2" (of { services.nginx = { enable = true; appendHttpConfig = "ssl_protocols TLSv1;"; }; });
    "in a virtual host's words too" = tells "before TLS 1.2" (of { services.nginx = { enable = true; virtualHosts.a.extraConfig = "ssl_protocols TLSv1.1 TLSv1.3;"; }; });
    "new TLS is not" = broken (of { services.nginx = { enable = true; sslProtocols = "TLSv1.2 TLSv1.3"; }; }) == [ ];
    "old TLS of PostgreSQL is told" = tells "ssl_min_protocol_version" (of (database { settings.ssl_min_protocol_version = "TLSv1.1"; }));
    "PostgreSQL without TLS is told" = tells "without settings.ssl" (of (database { enableTCPIP = true; }));
    "by its address, too" = tells "without settings.ssl" (of (database { settings.listen_addresses = "localhost, 10.0.0.1"; }));
    "on this host it needs none" = broken (of (database { settings.listen_addresses = "localhost,127.0.0.1"; authentication = "host all all 127.0.0.1/32 trust"; })) == [ ];
    "passwords in the clear are told" = tells "passwords in the clear" (of (database { authentication = "host all all 10.0.0.0/8 password"; }));

    "no firewall is told" = tells "networking.firewall.enable must be true" (of { networking.firewall.enable = false; });
    "SSH without a limit is told" = tells "22 (ssh) may be reached at a limited rate alone" (of (opens 22));
    "an open database is told" = tells "5432 (postgresql) is for vpn callers alone: take it out" (of (opens 5432));
    "in a range, too" = tells "5432 (postgresql)" (of { networking.firewall.allowedTCPPortRanges = [{ from = 5000; to = 6000; }]; });
    "a database for the network is told" = tells "opens it on lan0" (of (on "lan0" 5432));
    "step-ca for this host, and open, is told" = tells "services.step-ca.address is" (evaluate [ base { watchstander.constraints.ports.ca = { port = 9443; reach = "local"; }; services.step-ca = { enable = true; address = "0.0.0.0"; port = 9443; }; } ]);
    "PostgreSQL, too" = tells "listen_addresses is" (evaluate [ base { watchstander.constraints.ports.pg = { port = 5432; reach = "local"; }; services.postgresql = { enable = true; enableTCPIP = true; settings.ssl = true; }; } ]);
    "old TLS of step-ca is told" = tells "tls.minVersion must be" (of { services.step-ca = { enable = true; address = "127.0.0.1"; port = 8443; settings.tls.minVersion = 1.1; }; });
    "newer is not" = broken (of { services.step-ca = { enable = true; address = "127.0.0.1"; port = 8443; settings.tls.minVersion = 1.2; }; }) == [ ];
    "a NixOS container's port is told" = tells "is published by the container web" (of { containers.web.forwardPorts = [{ hostPort = 9090; containerPort = 9090; }]; });
    "Docker without root is told" = tells "docker.rootless.enable must be false" (of { virtualisation.docker.rootless.enable = true; });
    "sshd's words in small letters are told" = tells "extraConfig allows passwords" (of (sshd { extraConfig = "Match User bob\n  passwordauthentication yes"; }));
    "an environment in small letters is told" = tells "the environment (systemd.services.NAME.environment) of x" (of (env { db_password = "hunter2"; }));
    "a credential in the unit is told" = tells "SetCredential) of x" (of { systemd.services.x.serviceConfig.SetCredential = "api-token:hunter2"; });
    "one that is no secret is not" = broken (of { systemd.services.x.serviceConfig.SetCredential = "greeting:hello"; }) == [ ];
    "step-ca for others is told" = tells "opens it on wan0" (of (on "wan0" 8443));
    "step-ca for the VPN is not" = broken (of (on "wg0" 8443)) == [ ];
    "a local port on any interface is told" = tells "9090 (prometheus) is for local callers alone, and" (of (on "wg0" 9090));
    "a network that is trusted is told" = tells "trustedInterfaces lets everything in from lan0" (of { networking.firewall.trustedInterfaces = [ "lan0" ]; });
    "a rule by hand is told" = tells "which nobody checks" (of { networking.firewall.extraCommands = "iptables -A nixos-fw -p tcp --dport 8443 -j nixos-fw-accept"; });
    "a like number is not" = broken (of { networking.firewall.extraInputRules = "tcp dport 18443 accept"; }) == [ ];
    "the limit itself is not" = broken (of { watchstander.ssh.enable = true; }) == [ ];
    "Prometheus for all is told" = tells "services.prometheus.listenAddress is \"0.0.0.0\"" (of { services.prometheus.enable = true; });
    "node_exporter for all is told" = tells "services.prometheus.exporters.node.listenAddress" (of { services.prometheus.exporters.node.enable = true; });
    "and its own hole in the firewall" = tells "openFirewall must be false" (of { services.prometheus.exporters.node = { enable = true; listenAddress = "127.0.0.1"; openFirewall = true; }; });
    "a published port is told" = tells "past the firewall" (of { virtualisation.oci-containers.containers.p = { image = "x"; ports = [ "5432:5432" ]; }; });
    "on this host it is not" = !(tells "past the firewall" (of { virtualisation.oci-containers.containers.p = { image = "x"; ports = [ "127.0.0.1:5432:5432" ]; }; }));

    "a password is told" = tells "of alice" (of { users.users.alice = { isNormalUser = true; password = "x"; }; });
    "its hash too" = tells "of alice" (of { users.users.alice = { isNormalUser = true; hashedPassword = "$y$j9T$abc"; }; });
    "a first one too" = tells "of alice" (of { users.users.alice = { isNormalUser = true; initialPassword = "x"; }; });
    "and a file of it that Nix copied" = tells "of alice" (of { users.users.alice = { isNormalUser = true; hashedPasswordFile = "${builtins.storeDir}/00000000000000000000000000000000-alice"; }; });
    "a secret in the environment is told" = tells "of x" (of (env { DB_PASSWORD = "hunter2"; }));
    "a key by its look" = tells "of x" (of (env { THING = "AKIAABCDEFGHIJKLMNOP"; }));
    "a password in an address" = tells "of x" (of (env { DATABASE = "postgres://bob:hunter2@db/x"; }));
    "in systemd's own words" = tells "of x" (of { systemd.services.x = { script = "true"; serviceConfig.Environment = [ "T=ghp_abcdefghijklmnopqrstuvwxyz0123" ]; }; });
    "a password without a user, too" = tells "of x" (of (env { CACHE = "redis://:hunter2@db/0"; }));
    "an address and a line below it are none" = broken (of { environment.etc."c".text = "see https://example.org\nops:\n  mail@example.org"; }) == [ ];
    "by its name in systemd's own words" = tells "of x" (of { systemd.services.x = { script = "true"; serviceConfig.Environment = "LANG=C \"DB_PASSWORD=hunter2\""; }; });
    "a credential's path and a switch are none" = broken (of {
      systemd.services.x = { script = "true"; environment = { A_TOKEN = "%d/token"; NEEDS_PASSWORD = "true"; }; serviceConfig.Environment = [ "B_SECRET=%d/b" "C_TOKEN=/run/c" ]; };
    }) == [ ];
    "a key of WireGuard's" = tells "WireGuard interface wg0" (of { networking.wireguard.interfaces.wg0 = { privateKey = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="; }; });
    "in a file it is none" = broken (of { networking.wireguard.interfaces.wg0 = { privateKeyFile = "/run/secrets/wg0"; peers = [{ publicKey = "x"; }]; }; }) == [ ];
    "one that is shared with a peer" = tells "WireGuard interface wg1" (of { networking.wg-quick.interfaces.wg1 = { peers = [{ presharedKey = "x"; }]; }; });
    "a private key in /etc" = tells "a file of /etc (environment.etc.NAME.text): k.pem" (of { environment.etc."k.pem".text = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc"; });
    "a certificate is none" = broken (of { environment.etc."c.pem".text = "-----BEGIN CERTIFICATE-----\nabc"; }) == [ ];
    "a container's environment" = tells "containers.NAME.environment) of p" (of { virtualisation.oci-containers.containers.p = { image = "x"; environment.API_KEY = "abc"; }; });
    "Grafana's secrets" = tells "services.grafana.settings. security.admin_password" (of (grafana "hunter2"));
    "old TLS of Grafana is told" = tells "min_tls_version" (of (lib.recursiveUpdate (grafana "") { services.grafana.settings.server.min_tls_version = "TLS1.0"; }));
    "from a file they are none" = broken (of (grafana "$__file{/run/secrets/g}")) == [ ];
    "the bot's" = tells "the settings of services.watchstander." (of { services.watchstander.settings.chats = [{ name = "m"; token = "syt_Ym90_abcdefghijklm"; }]; });
    "a script that opens the secrets is told" = tells "x opens the secrets with sops" (of { systemd.services.x.script = "sops -d /etc/nixos/secrets.yaml > /tmp/s"; });
    "on any line of it" = lib.all (script: tells "x opens the secrets with sops" (of { systemd.services.x = { inherit script; }; }))
      [ "set -e\nsops -d a.yaml" "k=$(sops -d a.yaml)" "\tsops exec-env a.yaml y" "true;age -d a.age" "if x\nthen\n\trage --decrypt a.age\nfi" ];
    "age alone is told" = tells "x opens the secrets with sops or age" (of { systemd.services.x.script = "age -i k -d secrets.yaml"; });
    "its key is told" = tells "x opens the secrets with sops or age" (of { systemd.services.x.script = "cp /var/lib/sops-nix/key.txt /tmp"; });
    "a word in passing is not" = broken (of { systemd.services.x.script = "find /var/tmp -age 3; logger message -d sausage"; }) == [ ];
    "a command too" = tells "x opens the secrets with sops" (of { systemd.services.x.serviceConfig.ExecStart = "/run/current-system/sw/bin/sops --decrypt a.yaml"; });
    "sops-nix' paths are not" = broken (of { systemd.services.x.script = "test -e /run/secrets/sops/x"; }) == [ ];
  };
  refused = {
    "two generations" = (of { watchstander.constraints.generations = 2; }).watchstander.constraints.generations;
    "a port for everybody" = (of { watchstander.constraints.ports.x = { port = 80; reach = "everybody"; }; }).watchstander.constraints.ports;
    "a version that is none" = (evaluate [{ watchstander.constraints.stateVersion = "25.5"; }]).watchstander.constraints.stateVersion;
  };
}

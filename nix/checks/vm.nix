# A host in a VM: Prometheus, Alertmanager, a Matrix homeserver, the bot and its agent. An
# alert becomes a thread in the room and is resolved there; a rollback waits at its gate, and
# is done once somebody on the host has agreed.
#
# It needs nixpkgs and KVM: `nix build .#checks.x86_64-linux.vm`.
{ }:
{ pkgs, lib, ... }:
let
  homeserver = "http://127.0.0.1:8008";
  signingKey = pkgs.runCommand "matrix-key.pem" { nativeBuildInputs = [ pkgs.dendrite ]; } "generate-keys --private-key $out";

  # One request to the homeserver: TOKEN METHOD PATH [BODY]. The token is "none" for an
  # account that is only made: with any other one Dendrite takes it for a bridge's.
  matrix = pkgs.writeShellApplication {
    name = "matrix";
    runtimeInputs = [ pkgs.curl ];
    text = ''
      as=(--header "Authorization: Bearer $1")
      if [[ $1 == none ]]; then as=(); fi
      curl --silent --show-error --fail-with-body --request "$2" \
        "''${as[@]}" --header 'Content-Type: application/json' \
        --data "''${4:-{\}}" "${homeserver}/_matrix/client/v3/$3"
    '';
  };
in
{
  name = "watchstander";

  nodes.vulcan = { config, ... }: {
    imports = [ ../modules ];

    # A boot loader of its own, so that there are generations to go back to.
    virtualisation = { useBootLoader = true; memorySize = 2048; cores = 2; diskSize = 8192; writableStore = true; };
    boot.loader.grub.enable = true;

    # The other generation.
    specialisation.other.configuration.environment.etc."other".text = "the other generation\n";

    users.users.alice = { isNormalUser = true; uid = 1000; };
    environment.systemPackages = [ pkgs.jq matrix ];

    services.dendrite = {
      enable = true;
      openRegistration = true;
      loadCredential = [ "signing:${signingKey}" ];
      settings = {
        global = { server_name = "house.test"; private_key = "$CREDENTIALS_DIRECTORY/signing"; disable_federation = true; };
        client_api = { registration_disabled = false; rate_limiting.enabled = false; };
      };
    };

    services.prometheus = {
      enable = true;
      listenAddress = "127.0.0.1";
      globalConfig = { scrape_interval = "2s"; evaluation_interval = "2s"; external_labels = { instance = "vulcan"; }; };
      scrapeConfigs = map
        (job: { job_name = job.name; static_configs = [{ targets = [ "127.0.0.1:${toString job.port}" ]; labels.instance = "vulcan"; }]; })
        [ { name = "bot"; port = 9097; } { name = "node"; port = 9100; } ];
      rules = [
        (builtins.toJSON {
          groups = [{
            name = "vm";
            rules = [{
              alert = "MarkerMissing";
              # Fires until the test sees to it that the file below is there.
              expr = ''absent(node_textfile_mtime_seconds{file=~".*marker.prom"})'';
              labels = { severity = "critical"; instance = "vulcan"; };
              annotations.summary = "The marker is missing";
            }];
          }];
        })
      ];
      alertmanagers = [{ static_configs = [{ targets = [ "127.0.0.1:9093" ]; }]; }];
      exporters.node = { enable = true; listenAddress = "127.0.0.1"; enabledCollectors = [ "textfile" ]; extraFlags = [ "--collector.textfile.directory=/var/lib/textfile" ]; };
      alertmanager = {
        enable = true;
        listenAddress = "127.0.0.1";
        configuration = {
          route = { receiver = "watchstander"; group_by = [ "alertname" "instance" ]; group_wait = "1s"; group_interval = "2s"; repeat_interval = "1h"; };
          receivers = [{
            name = "watchstander";
            webhook_configs = [{
              url = "http://127.0.0.1:9097/webhook/main";
              send_resolved = true;
              http_config.authorization.credentials_file = "/run/credentials/alertmanager.service/webhook-token";
            }];
          }];
        };
      };
    };
    systemd.services.alertmanager.serviceConfig.LoadCredential = [ "webhook-token:/run/secrets-of-the-test/webhook-token" ];
    # The secrets come from the test, after the boot.
    systemd.services.alertmanager.wantedBy = lib.mkForce [ ];
    systemd.services.watchstander = {
      wantedBy = lib.mkForce [ ];
      # The room's id is known when there is a room, so that the test writes the file.
      serviceConfig.ExecStart = lib.mkForce "${lib.getExe config.services.watchstander.package} serve --config /etc/watchstander-of-the-test.yaml";
    };
    systemd.tmpfiles.rules = [ "d /var/lib/textfile 0755 root root" ];

    services.watchstander = {
      enable = true;
      settings = {
        hosts = [{ name = "vulcan"; match = [ ''instance="vulcan"'' ]; local = true; agent = { }; }];
        chats = [{ name = "matrix"; matrix = { inherit homeserver; user = "@watchstander:house.test"; token_file = "matrix-token"; pace = { per_second = 20; burst = 20; }; }; }];
        rooms = [{ name = "ops"; chat = "matrix"; id = "!room:house.test"; }];
        people = [{ name = "alice"; roles = [ "operator" "approver" ]; matrix = [ "@alice:house.test" ]; }];
        alertmanagers = [{ name = "main"; urls = [ "http://127.0.0.1:9093" ]; receivers = [ "watchstander" ]; poll = "5s"; }];
        webhooks = [{ name = "main"; alertmanager = "main"; bearer_token_file = "webhook-token"; }];
        routes = [
          { match = [ ''alertname="Watchdog"'' ]; as = "heartbeat"; absent_after = "1h"; rooms = [ "ops" ]; }
          { rooms = [ "ops" ]; }
        ];
      };
      credentials = {
        matrix-token = "/run/secrets-of-the-test/matrix-token";
        webhook-token = "/run/secrets-of-the-test/webhook-token";
      };
      agent = {
        enable = true;
        operations."nixos.rollback" = true;
        settings = {
          people = [{ name = "alice"; roles = [ "operator" "approver" ]; uid = [ 1000 ]; }];
          policy = [{
            name = "rollback";
            operations = [ "nixos.rollback" ];
            risk = "high";
            requesters = [ "operator" ];
            approvers = { roles = [ "approver" ]; requester_counts = true; };
            step_up = [ "host" ];
          }];
          nixos = { loader = "grub"; state_version = config.system.stateVersion; keep_generations = 1; keep_fewer = true; settle = "5s"; };
        };
      };
    };
  };

  testScript = ''
    import json
    import shlex

    start_all()
    vulcan.wait_for_unit("dendrite.service")
    vulcan.wait_for_open_port(8008)


    def matrix(token, method, path, body=None):
        command = ["matrix", token, method, path] + ([json.dumps(body)] if body is not None else [])
        return json.loads(vulcan.succeed(shlex.join(command)))


    def account(name):
        body = {"username": name, "password": name + "-of-the-test", "auth": {"type": "m.login.dummy"}}
        return matrix("none", "POST", "register", body)["access_token"]


    bot, alice = account("watchstander"), account("alice")
    room = matrix(alice, "POST", "createRoom", {"name": "ops", "invite": ["@watchstander:house.test"], "preset": "private_chat"})["room_id"]
    matrix(bot, "POST", f"join/{room}")


    def said():
        """All that stands in the room, the newest first; edits are messages of their own."""
        chunk = matrix(alice, "GET", f"rooms/{room}/messages?dir=b&limit=200")["chunk"]
        return [e for e in chunk if e["type"] == "m.room.message" and e["sender"] == "@watchstander:house.test"]


    def awaited(*words, limit=120):
        """The newest message that has all words, once there is one."""
        found = []

        def look(_):
            found[:] = [e for e in said() if all(w in json.dumps(e["content"], ensure_ascii=False) for w in words)]
            return bool(found)

        retry(look, limit)
        return found[0]


    with subtest("the secrets come, and the services start"):
        vulcan.succeed("install -d -m 0700 /run/secrets-of-the-test")
        vulcan.succeed(f"umask 077; printf %s {shlex.quote(bot)} > /run/secrets-of-the-test/matrix-token")
        vulcan.succeed("umask 077; printf %s token-of-the-test > /run/secrets-of-the-test/webhook-token")
        vulcan.succeed(
            f"sed 's/!room:house.test/{room}/' /etc/watchstander/config.yaml > /etc/watchstander-of-the-test.yaml",
            "systemctl start watchstander.service alertmanager.service",
        )
        vulcan.wait_for_unit("watchstander.service")
        vulcan.wait_for_unit("watchstander-agent.service")
        vulcan.wait_until_succeeds("curl --fail --silent http://127.0.0.1:9097/readyz", timeout=60)

    with subtest("an alert goes to a thread, and is resolved there"):
        root = awaited("MarkerMissing", "CRITICAL")
        vulcan.succeed("echo 'marker 1' > /var/lib/textfile/marker.prom")
        awaited("MarkerMissing", "RESOLVED")
        assert root["content"].get("m.relates_to", {}).get("rel_type") != "m.thread", root

    with subtest("a rollback goes through its gate"):
        system, other = "/nix/var/nix/profiles/system", "/run/current-system/specialisation/other"
        first = vulcan.succeed("readlink -f /run/current-system").strip()
        second = vulcan.succeed(f"readlink -f {other}").strip()
        vulcan.succeed(f"nix-env --profile {system} --set {first}")
        target = int(vulcan.succeed(f"readlink {system} | grep -o '[0-9]*'").strip())
        vulcan.succeed(f"nix-env --profile {system} --set {second}")
        vulcan.succeed(f"{second}/bin/switch-to-configuration test")
        vulcan.succeed("test -e /etc/other")

        matrix(alice, "PUT", f"rooms/{room}/send/m.room.message/t1", {"msgtype": "m.text", "body": f"!rollback {target}"})
        awaited("WAITS FOR AN APPROVAL", f"to generation {target}")
        vulcan.succeed("test -e /etc/other")

        waiting = vulcan.succeed("su alice -c 'watchstander approve'")
        plan = next(w for w in waiting.split() if w.startswith("pln_"))
        # It shows the agent's own plan, and agrees to nothing without the digest.
        shown = vulcan.fail(f"su alice -c 'watchstander approve {plan} < /dev/null' 2>&1")
        vulcan.log(shown)
        digest = "".join(shown.split("Digest of all this", 1)[1].splitlines()[1:3]).replace(" ", "")
        assert len(digest) == 64, digest
        vulcan.fail(f"su alice -c 'watchstander approve --yes {'0' * 64} {plan}'")
        vulcan.succeed("test -e /etc/other")

        vulcan.succeed(f"su alice -c 'watchstander approve --yes {digest} {plan}'")
        awaited("DONE", f"to generation {target}", limit=300)
        vulcan.fail("test -e /etc/other")
        assert vulcan.succeed("readlink -f /run/current-system").strip() == first
        assert vulcan.succeed(f"readlink -f {system}").strip() == first
  '';
}

// A Matrix client that shares no code with us, for the tests: matrix-js-sdk with the Rust crypto of today's Element.
// It gives room keys to signed devices only and shows only what signed devices sent (MSC4153).
//
// Standard input takes one JSON request per line: {"id": 1, "do": "say", ...arguments}. Standard output gives one JSON
// object per line: {"id": 1, "result": ...} or {"id": 1, "error": "..."} for a request, {"event": {...}} for an event
// of somebody else in a room, {"invitation": "!room"} for an invitation. The client ends when its standard input does.

import { Console } from "node:console";
import { createInterface } from "node:readline";

// The libraries talk a lot, and standard output is ours.
globalThis.console = new Console(process.stderr);

// The library asks for Node 22; this is all that Node 20 lacks.
Promise.withResolvers ??= () => {
    let resolve, reject;
    const promise = new Promise((yes, no) => ([resolve, reject] = [yes, no]));
    return { promise, resolve, reject };
};

// Imported only now: both expect what stands above.
const sdk = await import("matrix-js-sdk");
const { CryptoEvent, EventShieldColour, EventShieldReason, OnlySignedDevicesIsolationMode } = await import(
    "matrix-js-sdk/lib/crypto-api/index.js"
);
const { decodeRecoveryKey } = await import("matrix-js-sdk/lib/crypto-api/recovery-key.js");
const { RustBackupManager } = await import("matrix-js-sdk/lib/rust-crypto/backup.js");
const { VerificationPhase, VerificationRequestEvent, VerifierEvent } = await import(
    "matrix-js-sdk/lib/crypto-api/verification.js"
);
const { Attachment, EncryptedAttachment } = await import("@matrix-org/matrix-sdk-crypto-wasm");

const PATIENCE_MS = 60_000;
// Clients wait for some seconds, so that not all of a person's begin to back up at once.
RustBackupManager.maxBackupLoopStartDelayMillis = 0;
let client;
let recoveryKey;
const verifications = new Map();

function tell(line) {
    process.stdout.write(JSON.stringify(line) + "\n");
}

/** Ends when something is so; it is looked at again whenever the emitter says that something happened. */
async function until(look, description, emitter, name) {
    const { promise, resolve, reject } = Promise.withResolvers();
    const again = async () => {
        try {
            if (await look()) resolve();
        } catch (error) {
            reject(error);
        }
    };
    const timer = setTimeout(() => reject(new Error(`waited in vain for ${description}`)), PATIENCE_MS);
    emitter.on(name, again);
    void again();
    try {
        await promise;
    } finally {
        clearTimeout(timer);
        emitter.off(name, again);
    }
}

/** Show one event as a client would: decrypted with its shield, or as undecryptable with the reason. */
async function show(event) {
    if (event.getSender() === client.getUserId() || event.isState()) return;
    const info = event.isEncrypted() ? await client.getCrypto().getEncryptionInfoForEvent(event) : null;
    tell({
        event: {
            room_id: event.getRoomId(),
            event_id: event.getId(),
            sender: event.getSender(),
            type: event.getType(),
            content: event.getContent(),
            encrypted: event.isEncrypted(),
            failure: event.decryptionFailureReason,
            shield: info && EventShieldColour[info.shieldColour],
            shield_reason: info?.shieldReason == null ? null : EventShieldReason[info.shieldReason],
        },
    });
}

/** Log in on a new device, without an identity yet. */
async function connect(url, user, password) {
    const answer = await sdk.createClient({ baseUrl: url }).loginRequest({
        type: "m.login.password",
        identifier: { type: "m.id.user", user },
        password,
    });
    client = sdk.createClient({
        baseUrl: url,
        userId: answer.user_id,
        deviceId: answer.device_id,
        accessToken: answer.access_token,
        cryptoCallbacks: {
            getSecretStorageKey: async ({ keys }) => [Object.keys(keys)[0], decodeRecoveryKey(recoveryKey)],
        },
    });
    await client.initRustCrypto({ useIndexedDB: false });
}

/** Start to sync, and to show what comes. */
async function listen() {
    client.on(sdk.RoomEvent.Timeline, (event, _room, toStart) => {
        // An encrypted event is shown when its decryption ended, well or badly.
        if (!toStart && !event.isEncrypted()) void show(event);
    });
    client.on(sdk.MatrixEventEvent.Decrypted, (event) => void show(event));
    client.on(sdk.RoomEvent.MyMembership, (room, membership) => {
        if (membership === "invite") tell({ invitation: room.roomId });
    });
    await client.startClient();
    await until(() => client.isInitialSyncComplete(), "the first sync", client, sdk.ClientEvent.Sync);
}

const requests = {
    /** Log in on a new device with a new cross-signing identity. */
    async login({ url, user, password }) {
        await connect(url, user, password);
        const crypto = client.getCrypto();
        crypto.setDeviceIsolationMode(new OnlySignedDevicesIsolationMode());
        // The homeserver takes a first identity without asking for the password again (MSC3967).
        await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: (makeRequest) => makeRequest(null) });
        await listen();
        return { device_id: client.getDeviceId() };
    },

    /** Log in on a new device of an identity that exists, and take everything out of secret storage and backup. */
    async recover({ url, user, password, recovery_key }) {
        recoveryKey = recovery_key;
        await connect(url, user, password);
        await listen();
        const crypto = client.getCrypto();
        // Private keys are taken out of secret storage for an identity that is known.
        await crypto.userHasCrossSigningKeys(user, true);
        await crypto.bootstrapCrossSigning({});
        await crypto.loadSessionBackupPrivateKeyFromSecretStorage();
        const trust = await crypto.isKeyBackupTrusted(await crypto.getKeyBackupInfo());
        const { total, imported } = await crypto.restoreKeyBackup();
        // The new signature is seen once the homeserver has told of it.
        const signed = async () =>
            (await crypto.getDeviceVerificationStatus(user, client.getDeviceId()))?.signedByOwner ?? false;
        await until(signed, "the signature of the new device", client, CryptoEvent.DevicesUpdated);
        return {
            device_id: client.getDeviceId(),
            signed: await signed(),
            trusted: trust.trusted,
            key_fits: trust.matchesDecryptionKey,
            total,
            imported,
        };
    },

    /** Set up secret storage and key backup; the recovery key, once all room keys are backed up. */
    async make_recoverable() {
        const crypto = client.getCrypto();
        const made = await crypto.createRecoveryKeyFromPassphrase();
        recoveryKey = made.encodedPrivateKey;
        const { promise: written, resolve } = Promise.withResolvers();
        client.on(CryptoEvent.KeyBackupSessionsRemaining, (remaining) => remaining === 0 && resolve());
        await crypto.bootstrapSecretStorage({ createSecretStorageKey: async () => made, setupNewKeyBackup: true });
        await written;
        return recoveryKey;
    },

    /** Put a new identity in the place of the old one, as who has lost the recovery key does; its fingerprint. */
    async reset_identity({ password }) {
        const identifier = { type: "m.id.user", user: client.getUserId() };
        const crypto = client.getCrypto();
        await crypto.bootstrapCrossSigning({
            setupNewCrossSigning: true,
            authUploadDeviceSigningKeys: (makeRequest) => makeRequest({ type: "m.login.password", identifier, password }),
        });
        return await crypto.getCrossSigningKeyId();
    },

    /** Start an encrypted direct chat, as clients do; ends when the other person has joined. */
    async open_chat({ user }) {
        const { room_id: roomId } = await client.createRoom({
            invite: [user],
            is_direct: true,
            preset: "trusted_private_chat",
            initial_state: [{ type: "m.room.encryption", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
        });
        const joined = () => client.getRoom(roomId)?.getMember(user)?.membership === "join";
        await until(joined, `${user} to join`, client, sdk.RoomMemberEvent.Membership);
        return roomId;
    },

    async join({ room }) {
        await client.joinRoom(room);
        const encrypted = () => client.getRoom(room)?.hasEncryptionStateEvent();
        await until(encrypted, "the encrypted room", client, sdk.ClientEvent.Sync);
    },

    async say({ room, text }) {
        return (await client.sendTextMessage(room, text)).event_id;
    },

    /** Drop a file; `data` is base64. */
    async drop({ room, name, mimetype, data }) {
        const bytes = Buffer.from(data, "base64");
        const locked = Attachment.encrypt(bytes);
        const file = JSON.parse(locked.mediaEncryptionInfo);
        const upload = await client.uploadContent(locked.encryptedData, { type: "application/octet-stream" });
        const sent = await client.sendMessage(room, {
            msgtype: mimetype.startsWith("image/") ? "m.image" : "m.file",
            body: name,
            filename: name,
            info: { mimetype, size: bytes.length },
            file: { ...file, url: upload.content_uri },
        });
        return sent.event_id;
    },

    /** Download and decrypt a file by the `file` object of its message; base64. */
    async open_file({ file }) {
        const address = client.mxcUrlToHttp(file.url, undefined, undefined, undefined, false, true, true);
        const answer = await fetch(address, { headers: { Authorization: `Bearer ${client.getAccessToken()}` } });
        if (!answer.ok) throw new Error(`download: ${answer.status}`);
        const locked = new EncryptedAttachment(new Uint8Array(await answer.arrayBuffer()), JSON.stringify(file));
        return Buffer.from(Attachment.decrypt(locked)).toString("base64");
    },

    /** Ends when the client has learnt that somebody signed their devices. */
    async wait_for_signature({ user }) {
        const signed = async () => {
            const { devices } = await requests.look_at({ user });
            return devices.length > 0 && devices.every((device) => device.signed);
        };
        await until(signed, `signed devices of ${user}`, client, CryptoEvent.DevicesUpdated);
    },

    /** What the crypto library thinks of somebody: their devices and their identity. */
    async look_at({ user }) {
        const crypto = client.getCrypto();
        const devices = (await crypto.getUserDeviceInfo([user], true)).get(user) ?? new Map();
        const identity = await crypto.getUserVerificationStatus(user);
        const { master_keys: masters = {} } = await client.downloadKeysForUsers([user]);
        return {
            fingerprint: Object.values(masters[user]?.keys ?? {})[0] ?? null,
            identity_changed: identity.needsUserApproval,
            devices: await Promise.all(
                [...devices.values()].map(async (device) => ({
                    device_id: device.deviceId,
                    ed25519: device.getFingerprint(),
                    // Of whom it does not track yet, the library knows no status.
                    signed: (await crypto.getDeviceVerificationStatus(user, device.deviceId))?.signedByOwner ?? false,
                })),
            ),
        };
    },

    // --- verification by emoji, as a person does it step by step; it goes by the name that `ask_to_verify` gives

    /** Press "verify" on somebody: in a room with them, or by to-device for one device of theirs. */
    async ask_to_verify({ user, room, device }) {
        const crypto = client.getCrypto();
        await crypto.getUserDeviceInfo([user], true);
        const request = room
            ? await crypto.requestVerificationDM(user, room)
            : await crypto.requestDeviceVerification(user, device);
        const name = String(verifications.size);
        verifications.set(name, { request });
        return name;
    },

    /** What the screen shows to compare. Unless `start`, it waits for the other side to start. */
    async see_emoji({ name, start }) {
        const verification = verifications.get(name);
        const { request } = verification;
        const changed = (look, description) => until(look, description, request, VerificationRequestEvent.Change);
        await changed(() => request.phase >= VerificationPhase.Ready, "an answer to the verification request");
        if (request.phase > VerificationPhase.Started) throw new Error(`cancelled: ${request.cancellationCode}`);
        if (start) await request.startVerification("m.sas.v1");
        await changed(() => request.verifier !== undefined, "a start");
        const { promise, resolve } = Promise.withResolvers();
        request.verifier.on(VerifierEvent.ShowSas, resolve);
        verification.end = request.verifier.verify().catch((error) => error);
        const callbacks = request.verifier.getShowSasCallbacks();
        verification.callbacks = callbacks ?? (await Promise.race([promise, verification.end]));
        if (verification.callbacks instanceof Error) throw verification.callbacks;
        return verification.callbacks.sas;
    },

    /** Press "they match" (`confirm`), "they do not match" (`mismatch`) or `cancel`. */
    async decide({ name, what }) {
        await verifications.get(name).callbacks[what]();
    },

    /** How a verification ended: the code of its cancellation, or null when it is done. */
    async verification_ends({ name }) {
        const { request } = verifications.get(name);
        const ended = () => request.phase > VerificationPhase.Started;
        await until(ended, "the end of the verification", request, VerificationRequestEvent.Change);
        return request.cancellationCode;
    },

    /** Whether the client takes somebody's identity for verified. */
    async has_verified({ user }) {
        return (await client.getCrypto().getUserVerificationStatus(user)).isCrossSigningVerified();
    },
};

for await (const line of createInterface({ input: process.stdin })) {
    const { id, do: name, ...given } = JSON.parse(line);
    // Not awaited: what takes long must not hold up the next request.
    requests[name](given).then(
        (result) => tell({ id, result: result ?? null }),
        (error) => tell({ id, error: String(error) }),
    );
}
client?.stopClient();
process.exit(0);

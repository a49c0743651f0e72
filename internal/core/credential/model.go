package credential

import "encoding/hex"

// models are the names of well-known authenticator models, by AAGUID: facts that
// their makers publish. An AAGUID without rooted attestation is the browser's own
// word, so the name is a convenience and no decision rests on it.
var models = map[string]string{
	"adce000235bcc60a648b0b25f1f05503": "Chrome on Mac",
	"b53976664885aa6bcebfe52262a439a2": "Chromium",
	"771b48fdd3d44f749232fc157ab0507a": "Edge on Mac",
	"ea9b8d664d011d213ce4b6b48cb575d4": "Google Password Manager",
	"fbfc3007154e4ecc8c0b6e020557d7bd": "iCloud Keychain",
	"dd4ec289e01d41c9bb8970fa845d4bf2": "iCloud Keychain (managed)",
	"53414d53554e47000000000000000000": "Samsung Pass",
	"08987058cadc4b81b6e130de50dcbe96": "Windows Hello",
	"9ddd1817af5a4672a2b93e3dd95000a9": "Windows Hello",
	"6028b017b1d44c02b4b3afcdafc96bb2": "Windows Hello",
	"bada5566a7aa401fbd9645619a55120d": "1Password",
	"d548826e79b4db40a3d811116f7e8349": "Bitwarden",
	"531126d6e717415c93203d9aa6981239": "Dashlane",
	"de503f9c21a44f76b4b7558eb55c6f89": "Devolutions",
	"f38095407f1449c1a8b38f813b225541": "Enpass",
	"eaecdef21c3156348639f1cbd9c00a08": "KeePassDX",
	"fdb141b25d84443e8a354698c205a502": "KeePassXC",
	"0ea242b443c44a1b8b17dd6d0b6baec6": "Keeper",
	"b78a0a556ef8d246a042ba0f6d55050c": "LastPass",
	"b84e404815dc4dd08640f4f60813c8af": "NordPass",
	"50726f746f6e5061737350726f746f6e": "Proton Pass",
	"b35a26b28f6e4697ab1dd44db4da28c6": "Zoho Vault",
	"d345266801fd4c12926c83a4204853aa": "Microsoft Password Manager",
	"42b4fb4a286643b29bf76c6669c2e5d3": "Google Titan Security Key",
	"39a5647e1853446ca1f6a79bae9f5bc7": "IDmelon",
	"6d44ba9bf6ec2e49b9300c8fe920cb73": "Security Key by Yubico",
	"f8a011f38c0a4d15800617111f9edc7d": "Security Key by Yubico",
	"cb69481e8ff7403993ec0a2729a154a8": "YubiKey 5",
	"ee882879721c491397753dfcce97072a": "YubiKey 5",
	"2fc0579f811347eab116bb5a8db9202a": "YubiKey 5 NFC",
	"fa2b99dc9e3942578f924a30d23c4118": "YubiKey 5 NFC",
	"c5ef55ffad9a4b9fb580adebafe026d0": "YubiKey 5Ci",
	"d8522d9f575b486688a9ba99fa02f35b": "YubiKey Bio",
}

// ModelName is the name of a well-known authenticator model, "" for others.
func ModelName(aaguid [16]byte) string { return models[hex.EncodeToString(aaguid[:])] }

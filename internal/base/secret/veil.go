package secret

// Veil hides an id as one AES block under the key: the same id always looks the
// same, and nobody without the key can tell which id it is, or make one that
// unveils to a chosen id. It says nothing about who made it: look up what Unveil
// gives. Unlike a Locator's token it is no secret and grants nothing.
func (k *Key) Veil(id [16]byte) [16]byte {
	k.block().Encrypt(id[:], id[:])
	return id
}

// Unveil is the inverse of Veil. Any 16 bytes unveil to something.
func (k *Key) Unveil(veiled [16]byte) [16]byte {
	k.block().Decrypt(veiled[:], veiled[:])
	return veiled
}

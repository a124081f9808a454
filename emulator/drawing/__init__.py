"""Pictures, clips and sounds that the emulator makes."""

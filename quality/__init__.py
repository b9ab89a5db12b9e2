"""The science of annotation quality, pure: frames in, frozen reports out."""

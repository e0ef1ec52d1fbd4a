/** The icons that are used, in the one size and stroke of the look. */
import {
  ArrowDown,
  ArrowLeft,
  Check,
  CheckCheck,
  CircleAlert,
  Clock,
  Copy,
  EllipsisVertical,
  Link,
  Lock,
  type LucideIcon,
  type LucideProps,
  MessageCircle,
  Pencil,
  Search,
  SendHorizontal,
  ShieldCheck,
  TriangleAlert,
  User,
  WifiOff,
  X,
} from 'lucide-react'

function sized(Icon: LucideIcon, size: number, strokeWidth = 1.7) {
  return function SizedIcon(props: LucideProps) {
    return <Icon size={size} strokeWidth={strokeWidth} aria-hidden focusable={false} {...props} />
  }
}

export const BackIcon = sized(ArrowLeft, 22)
export const CloseIcon = sized(X, 22)
export const ComposeIcon = sized(Pencil, 21)
export const CopyIcon = sized(Copy, 18)
export const DownIcon = sized(ArrowDown, 20)
export const LinkIcon = sized(Link, 20)
export const LockIcon = sized(Lock, 13)
export const MessageIcon = sized(MessageCircle, 30, 1.4)
export const MoreIcon = sized(EllipsisVertical, 22)
export const OfflineIcon = sized(WifiOff, 16)
export const PersonIcon = sized(User, 22)
export const SafetyIcon = sized(ShieldCheck, 20)
export const SearchIcon = sized(Search, 18)
export const SendIcon = sized(SendHorizontal, 20)
export const WarningIcon = sized(TriangleAlert, 18)
export const FailedIcon = sized(CircleAlert, 15, 2)
export const PendingIcon = sized(Clock, 13, 2)
export const TickIcon = sized(Check, 15, 2.1)
export const TwoTicksIcon = sized(CheckCheck, 16, 2.1)
